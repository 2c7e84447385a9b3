package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
)

// The access log has lines of JSON for any request. API Gateway writes a hyphen for missing values,
// even for numbers, and escapes nothing: free text from a client, such as the decoded path, could
// end a string.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	format := fmt.Sprint(readTemplate(t).resources["ApiStage"].at("AccessLogSettings", "Format"))
	plain := map[string]string{ // the variables without free text, with a value
		"$context.requestTime": "29/Nov/2026:18:00:00 +0000", "$context.requestId": "JKJaXmPLvHcESHA=", "$context.identity.sourceIp": "2001:db8::1",
		"$context.httpMethod": "GET", "$context.status": "200", "$context.responseLength": "17", "$context.responseLatency": "3",
		"$context.integrationErrorMessage": "The function timed out.",
	}
	variable := regexp.MustCompile(`\$[\w.]+`)
	for name, value := range map[string]func(variable string) string{
		"with values":    func(v string) string { return plain[v] },
		"without values": func(string) string { return "-" },
	} {
		line := variable.ReplaceAllStringFunc(format, func(v string) string {
			if plain[v] == "" {
				t.Errorf("%s may contain free text of a client", v)
			}
			return value(v)
		})
		var fields map[string]string
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%s: %v: %s", name, err, line)
		}
		if len(fields) != len(plain) {
			t.Errorf("%s: %d fields, want %d: %s", name, len(fields), len(plain), line)
		}
	}
}
