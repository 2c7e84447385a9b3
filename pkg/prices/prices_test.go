package prices_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/prices"
)

// Every region that has a file has a price for what the template deploys. Each price has a source,
// because Read refuses one without.
func TestRegions(t *testing.T) {
	needed := []string{
		"lambda.requests", "lambda.x86.gb-seconds", "lambda.managed.requests", "lambda.managed.fee",
		"sqs.requests", "sqs.fair-requests", "efs.standard", "efs.elastic.reads", "efs.elastic.writes",
		"datasync.basic", "datasync.enhanced", "s3.standard", "s3.puts", "s3.gets",
		"cloudfront.transfer", "cloudfront.requests", "cloudfront.functions", "http-api.requests", "rest-api.requests",
		"ebs.gp3", "logs.ingestion", "logs.storage", "metrics", "alarms", "dashboards", "scheduler.invocations",
		"ec2.c7i.large", "ec2.c6i.large", "ec2.c7i.large.spot", "ec2.c6i.large.spot", "ipv4", "egress",
	}
	if got, want := prices.Regions(), []string{"eu-central-1", "us-east-1"}; !slices.Equal(got, want) {
		t.Errorf("the regions are %q, want %q", got, want)
	}
	for _, region := range prices.Regions() {
		table, err := prices.ForRegion(region)
		if err != nil {
			t.Fatal(err)
		}
		if table.Region != region {
			t.Errorf("the file of %s is for %s", region, table.Region)
		}
		for _, name := range needed {
			if _, err := table.Price(name); err != nil {
				t.Error(err)
			}
		}
		for _, name := range table.Names() {
			p, err := table.Price(name)
			if err != nil {
				t.Fatal(err)
			}
			if p.Source.Quoted && p.Source.Note == "" {
				t.Errorf("%s: %s is quoted from %s, but no note describes the quotation", region, name, p.Source.URL)
			}
		}
	}
}

func TestUnknown(t *testing.T) {
	if _, err := prices.ForRegion("mars-north-1"); !errors.Is(err, prices.ErrUnknown) || !strings.Contains(err.Error(), "eu-central-1 and us-east-1") {
		t.Errorf("an unknown region: %v", err)
	}
	table, err := prices.ForRegion("eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = table.Price("ec2.u-24tb1.metal")
	want := `unknown price: eu-central-1 has no "ec2.u-24tb1.metal" as of 2026-11-29: add it, with its source, to a file of prices`
	if !errors.Is(err, prices.ErrUnknown) || err.Error() != want {
		t.Errorf("a missing price: %v, want %s", err, want)
	}
}

// The tiers of functions, compared with the results of another program (infracost's reference results
// for 61.44 billion GB-seconds, from AWS's own list).
func TestTiers(t *testing.T) {
	p := price(t, "us-east-1", "lambda.x86.gb-seconds")
	near(t, p.USD(61.44e9), 100_000.20+135_000.00+619_203.10)
	near(t, p.USD(6e9), 100_000.20)
	near(t, p.USD(0), 0)
	near(t, price(t, "us-east-1", "sqs.requests").USD(300e9), 40_000+30_000+24_000)
}

func TestScaled(t *testing.T) {
	table, err := prices.ForRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	double, err := table.Scaled("sqs.requests", 2).Price("sqs.requests")
	if err != nil {
		t.Fatal(err)
	}
	near(t, double.USD(1e6), 0.80)
	near(t, price(t, "us-east-1", "sqs.requests").USD(1e6), 0.40)
	if _, err := table.Scaled("none", 2).Price("none"); err == nil {
		t.Error("scaling has added a missing price")
	}
}

// 1,023.2 ms at 3007 MB, computed by hand: 1.024 s of 2.9365 GB at 0.0000166667 $, and 0.0000002 $.
func TestInvocation(t *testing.T) {
	table, err := prices.ForRegion("eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	billed := prices.Billed(1023200 * time.Microsecond)
	if billed != 1024*time.Millisecond {
		t.Errorf("1023.2 ms are billed as %s", billed)
	}
	usd, err := table.Invocation("x86_64", 3007, billed)
	if err != nil {
		t.Fatal(err)
	}
	near(t, usd, 1.024*3007/1024*0.0000166667+0.0000002)
	if _, err := table.Invocation("mips", 3007, billed); !errors.Is(err, prices.ErrUnknown) {
		t.Errorf("a function on mips: %v", err)
	}
}

func TestRead(t *testing.T) {
	const good = `{"region": "r", "date": "2026-11-29",
		"sources": {"s": {"url": "https://example.org", "publisher": "AWS", "date": "2026-11"}},
		"prices": [{"name": "n", "unit": "u", "tiers": [{"usd": 1}, {"above": 5, "usd": 0.5}], "source": "s"}]}`
	if _, err := prices.Read(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no source":           {`"source": "s"`, `"source": "t"`},
		"no publisher":        {`"AWS"`, `""`},
		"no address":          {"https://example.org", "example.org"},
		"no date of a source": {`"2026-11"}`, `"lately"}`},
		"no date":             {"2026-11-29", ""},
		"no unit":             {`"unit": "u"`, `"unit": ""`},
		"no tier":             {`[{"usd": 1}, {"above": 5, "usd": 0.5}]`, `[]`},
		"tiers that fall":     {`"above": 5`, `"above": 0`},
		"a negative price":    {`"usd": 0.5`, `"usd": -0.5`},
		"an unknown field":    {`"unit"`, `"unti"`},
		"twice":               {`"prices": [`, `"prices": [{"name": "n", "unit": "u", "tiers": [{"usd": 1}], "source": "s"},`},
		"not JSON":            {"{", ""},
	} {
		file := strings.Replace(good, change[0], change[1], 1)
		if _, err := prices.Read(strings.NewReader(file)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleTable_Price() {
	table, err := prices.ForRegion("us-east-1")
	if err != nil {
		panic(err)
	}
	p, err := table.Price("sqs.requests")
	if err != nil {
		panic(err)
	}
	fmt.Printf("3 million requests: %.2f $ (%s)\n", p.USD(3e6), p.Unit)
	// Output: 3 million requests: 1.20 $ (request of up to 64 KiB)
}

func price(t *testing.T, region, name string) prices.Price {
	t.Helper()
	table, err := prices.ForRegion(region)
	if err != nil {
		t.Fatal(err)
	}
	p, err := table.Price(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(t *testing.T, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Max(want, 1e-6) {
		t.Errorf("got %v $, want %v $", got, want)
	}
}
