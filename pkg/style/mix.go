package style

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxIngredients is the largest number of styles in one blend. More of them average into grey.
const MaxIngredients = 4

// An Ingredient is one named style and its share of a blend.
type Ingredient struct {
	Name   string
	Weight float64 // greater than 0; the weights of a Mix add up to 1
}

// A Mix is one style or a blend of several. Its weights are greater than 0 and add up to 1.
type Mix []Ingredient

// ParseMix parses a style's name, or a blend such as "a:0.7,b:0.3". A missing weight is 1; weights are
// normalised, so that "a:2,b:1" is valid. For unknown names the error wraps job.ErrUnknownStyle; any
// other error says what is allowed.
func ParseMix(s string) (Mix, error) {
	var mix Mix
	sum := 0.0
	for part := range strings.SplitSeq(s, ",") {
		name, weight, weighted := strings.Cut(strings.TrimSpace(part), ":")
		w := 1.0
		if weighted {
			var err error
			// The limits keep the small shares of a blend from being rounded to nothing.
			if w, err = strconv.ParseFloat(weight, 64); err != nil || !(w >= 1e-6 && w <= 1e6) {
				return nil, fmt.Errorf("the weight of %.60q must be a number from 0.000001 to 1000000, not %.60q", name, weight)
			}
		}
		if _, err := Lookup(name); err != nil {
			return nil, err
		}
		for _, i := range mix {
			if i.Name == name {
				return nil, fmt.Errorf("%s is named twice", name)
			}
		}
		if len(mix) == MaxIngredients {
			return nil, fmt.Errorf("a blend has at most %d styles", MaxIngredients)
		}
		mix = append(mix, Ingredient{name, w})
		sum += w
	}
	for i := range mix {
		mix[i].Weight /= sum
	}
	return mix, nil
}

// String returns the canonical form, which [ParseMix] accepts: the name of a single style, or names
// with weights to four decimals. A job's style is written in this form.
func (m Mix) String() string {
	if len(m) == 1 {
		return m[0].Name
	}
	var b strings.Builder
	for i, in := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		// At least 0.0001, so that the form can be parsed again.
		w := max(math.Round(in.Weight*1e4)/1e4, 1e-4)
		fmt.Fprintf(&b, "%s:%s", in.Name, strconv.FormatFloat(w, 'f', -1, 64))
	}
	return b.String()
}
