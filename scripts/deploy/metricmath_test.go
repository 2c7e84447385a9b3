package deploy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
	"strings"
	"testing"
)

// A metric is a metric that a resource reads.
type metric struct{ namespace, name, dimensions string }

// metricsOf returns the metrics of an alarm or of a scaling policy.
func metricsOf(r resource) []metric {
	var found []metric
	if name := r.at("MetricName"); name != nil {
		found = append(found, metric{fmt.Sprint(r.at("Namespace")), fmt.Sprint(name), fmt.Sprint(r.at("Dimensions"))})
	}
	for _, m := range append(list(r.at("Metrics")), list(r.at("TargetTrackingConfiguration", "CustomizedMetricSpecification", "Metrics"))...) {
		stat, _ := m.(map[string]any)["MetricStat"].(map[string]any)
		if of, ok := stat["Metric"].(map[string]any); ok {
			found = append(found, metric{fmt.Sprint(of["Namespace"]), fmt.Sprint(of["MetricName"]), fmt.Sprint(of["Dimensions"])})
		}
	}
	return found
}

// evaluateMetrics returns the value of the query that returns data, given the values of metrics;
// NaN for missing data or a division by zero, as in CloudWatch.
func evaluateMetrics(t *testing.T, queries []any, known map[string]float64) float64 {
	t.Helper()
	values, expression := map[string]float64{}, ""
	for _, q := range queries {
		query := q.(map[string]any)
		if query["ReturnData"] == true {
			expression, _ = query["Expression"].(string)
			continue
		}
		name := resource{properties: query}.at("MetricStat", "Metric", "MetricName")
		value, ok := known[fmt.Sprint(name)]
		if !ok {
			value = math.NaN()
		}
		values[fmt.Sprint(query["Id"])] = value
	}
	parsed, err := parser.ParseExpr(strings.ReplaceAll(expression, " AND ", " && "))
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	return evaluate(t, parsed, values)
}

func evaluate(t *testing.T, e ast.Expr, values map[string]float64) float64 {
	t.Helper()
	switch e := e.(type) {
	case *ast.ParenExpr:
		return evaluate(t, e.X, values)
	case *ast.BasicLit:
		v, err := strconv.ParseFloat(e.Value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	case *ast.Ident:
		v, ok := values[e.Name]
		if !ok {
			t.Fatalf("no metric has the id %s", e.Name)
		}
		return v
	case *ast.BinaryExpr:
		return operate(t, e.Op, evaluate(t, e.X, values), evaluate(t, e.Y, values))
	case *ast.CallExpr:
		var args []float64
		for _, a := range e.Args {
			args = append(args, evaluate(t, a, values))
		}
		return call(t, fmt.Sprint(e.Fun), args)
	}
	t.Fatalf("metric math does not support %T", e)
	return 0
}

func call(t *testing.T, name string, args []float64) float64 {
	t.Helper()
	switch {
	case name == "FILL" && len(args) == 2:
		if math.IsNaN(args[0]) {
			return args[1]
		}
		return args[0]
	case name == "IF" && len(args) == 3:
		switch {
		case math.IsNaN(args[0]):
			return args[0]
		case args[0] != 0:
			return args[1]
		}
		return args[2]
	}
	t.Fatalf("the test does not implement %s with %d arguments", name, len(args))
	return 0
}

func operate(t *testing.T, op token.Token, x, y float64) float64 {
	t.Helper()
	truth := func(b bool) float64 {
		if math.IsNaN(x) || math.IsNaN(y) {
			return math.NaN()
		}
		return float64(bit(b))
	}
	switch op {
	case token.ADD:
		return x + y
	case token.SUB:
		return x - y
	case token.QUO:
		if y == 0 {
			return math.NaN()
		}
		return x / y
	case token.LAND:
		return truth(x != 0 && y != 0)
	case token.GTR:
		return truth(x > y)
	case token.LSS:
		return truth(x < y)
	}
	t.Fatalf("the test does not implement %s", op)
	return 0
}
