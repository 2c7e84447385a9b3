package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// published returns the section that compares our figures with published ones, each with its
// setting. all are the findings of the views. Quotations are from the abstracts, except for the rule of thumb.
func published(groups []group, all []finding) Section {
	s := Section{ID: "published", Title: "Our figures compared with published ones", Text: []string{
		"None of these studies has our setting, so none confirms or refutes our figures; the last column has the reasons for differences. The published example of SimFaaS is in the section Validation of the simulation. A test of the cost model reproduces the examples of bills that AWS publishes, to within 1%.",
	}}
	claim, same := none, none
	rule := "The rule is for all kinds of programs, with all services that they use."
	if len(all) > 0 {
		claim = fmt.Sprintf("70%% or more are saved against always-on instances for compute only %s, and for the whole bill %s", all[0].claim, all[1].claim)
		same = "functions cost less than always-on instances for compute only " + all[0].cheaper + highestDutyOf(all[0].turns)
		rule = strings.TrimSpace(rule + " " + turnsLower(all[0], all[2]))
	}
	ratio := none
	if low, high := billedOverUsed(groups); low <= high {
		ratio = fmt.Sprintf("billed divided by used processor time of warm pictures: %s to %s, by memory, size and engine", figure(low), figure(high))
	}
	s.Tables = []Table{{
		Title: "Published figures", Left: 5, Basis: cost.Assumed, Columns: []string{"Source", "Setting", "Published figure", "Our figure", "Why they differ"},
		Rows: [][]string{
			{
				"Wu et al. 2021, arXiv:2103.02958", "Machine-learning models served by serverless functions, by managed services, and by rented servers with CPU or GPU, on AWS and Google Cloud",
				"Serverless is cheaper and faster than many alternatives, and under some circumstances than GPUs (abstract; no single figure)", same,
				"Their loads vary strongly and last a few minutes, for which servers are rented or scaled; ours last a month, during which instances may be idle. Other kinds of models, no queue, prices of 2021",
			},
			{
				"Villamizar et al. 2016, CCGrid, pages 179 to 182; 2017, doi:10.1007/s11761-017-0208-y", "A web application as one program, as microservices, and on AWS Lambda, each at the same load",
				"Lambda reduces infrastructure costs by 70% or more", claim,
				"Mostly short requests of a web application; servers sized for the load in the test. Our figure depends on the pictures a day, for which there is no equivalent",
			},
			{
				"Adzic and Chatley 2017, doi:10.1145/3106237.3117767", "Two companies that moved applications to Lambda",
				"Hosting costs fell by 66% to 95%", claim,
				"Whole applications before and after the move, whose servers were partly idle; not the same program on both",
			},
			{
				"Lin et al. 2025, arXiv:2506.01283", "What public serverless platforms bill, compared with what requests consume",
				"Billed resources are up to 5.49 times those used", ratio,
				"Many short requests, which wait for other services; painting needs a processor for nearly all of its time. If one thread is busy and two processors are billed, half of them is not used",
			},
			{
				"Castañeda Networks 2025, castanedanetworks.com/blog/ec2-vs-serverless-cost-analysis (rule of thumb)", "Experience with migrations",
				"Below 15% utilisation of EC2 serverless is almost always cheaper", same,
				rule,
			},
		},
	}}
	return s
}

// turnsLower compares the duties at which functions begin to cost more: by the whole bill against
// one machine, and by compute only.
func turnsLower(compute, machine finding) string {
	a, b := len(compute.turns), len(machine.turns)
	switch {
	case a == 0 || b == 0:
		return ""
	case machine.turns[b-1].Duty < compute.turns[a-1].Duty:
		return "By the whole bill, functions begin to cost more than one machine at a lower duty here, " + percent(machine.turns[b-1].Duty)
	}
	return "By the whole bill, functions do not begin to cost more than one machine at a lower duty here, but at " + percent(machine.turns[b-1].Duty)
}

// highestDutyOf returns a text with the duty of the highest crossing.
func highestDutyOf(turns []cost.Crossing) string {
	if len(turns) == 0 {
		return ""
	}
	return ", a duty of " + percent(turns[len(turns)-1].Duty)
}

// billedOverUsed returns the range of billed time times processors divided by the processor time
// used, for warm pictures with a function's share of the processors.
func billedOverUsed(groups []group) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, g := range groups {
		if g.variant.System != measurement.Service || g.variant.CPUs() == 0 {
			continue
		}
		if u := statistics.Mean(g.means(false, used)); u > 0 {
			r := statistics.Mean(g.means(false, billed)) * g.variant.CPUs() / u
			low, high = min(low, r), max(high, r)
		}
	}
	return low, high
}
