package measurement

import (
	"path/filepath"

	"github.com/atelier-go/atelier/scripts/measure/magenta"
)

// withNetwork returns the programs with the variant's network as their model.
func (p Programs) withNetwork(v Variant) (Programs, error) {
	if v.Network == "" {
		return p, nil
	}
	if p.Teacher == "" {
		return p, &UnavailableError{"Magenta's network is missing: set --teacher DIR or ATELIER_TEACHER (see scripts/baseline/README.md)"}
	}
	dir, err := p.folder("model")
	if err != nil {
		return p, err
	}
	shipped := p.Model
	p.Model = dir
	return p, magenta.Model(p.Teacher, shipped, dir)
}

// flaskModel returns the arguments with which the Python server loads the variant's network.
func (p Programs) flaskModel(v Variant) []string {
	if v.Network == Magenta {
		return []string{"--teacher", p.Teacher, "--style-picture", filepath.Join(p.Samples, "coffee.png")}
	}
	return []string{"--model", p.Model}
}
