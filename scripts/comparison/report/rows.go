package report

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const rowHeight, rowsMargin = 0.78 * vg.Centimeter, 1.9 * vg.Centimeter

// drawRows draws a chart whose rows have names: points of each series, or bars of all.
func (c *Chart) drawRows(p *plot.Plot) error {
	p.X.Tick.Marker = ticks{c.logX, c.percentX}
	if c.logX {
		p.X.Scale = plot.LogScale{}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(c.rowTicks())
	p.Y.Tick.Length, p.Y.LineStyle.Width = 0, 0
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{235}, color.Gray{225}
	p.Add(grid)
	add := c.points
	if c.stacked {
		add = c.bars
	}
	if err := add(p); err != nil {
		return fmt.Errorf("chart %q: %w", c.Title, err)
	}
	p.Y.Min, p.Y.Max = -0.6, float64(len(c.Rows))-0.4
	if c.logX { // from one power of ten to another
		p.X.Min, p.X.Max = math.Pow(10, math.Floor(math.Log10(p.X.Min))), math.Pow(10, math.Ceil(math.Log10(p.X.Max)))
	}
	return c.render(p, rowHeight*vg.Length(len(c.Rows))+rowsMargin)
}

// height is where a row is drawn: the first on top.
func (c *Chart) height(row float64) float64 { return float64(len(c.Rows)-1) - row }

func (c *Chart) rowTicks() (all []plot.Tick) {
	for i, name := range c.Rows {
		all = append(all, plot.Tick{Value: c.height(float64(i)), Label: name})
	}
	return all
}

// points draws a marker for each value, and a thin line through those of a row.
func (c *Chart) points(p *plot.Plot) error {
	for row := range c.Rows {
		y := c.height(float64(row))
		var span plotter.XYs
		for _, s := range c.Series {
			for i := range s.X {
				if int(s.Y[i]) == row {
					span = append(span, plotter.XY{X: s.X[i], Y: y})
				}
			}
		}
		if len(span) < 2 {
			continue
		}
		line, err := plotter.NewLine(span)
		if err != nil {
			return err
		}
		line.Color, line.Width = color.Gray{150}, vg.Points(1)
		p.Add(line)
	}
	for n, s := range c.Series {
		points := make(plotter.XYs, len(s.X))
		for i := range s.X {
			points[i] = plotter.XY{X: s.X[i], Y: c.height(s.Y[i])}
		}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		scatter.GlyphStyle = draw.GlyphStyle{Color: colours[n], Radius: vg.Points(4.5), Shape: markers[n]}
		p.Add(scatter)
		p.Legend.Add(s.Name, scatter)
	}
	return nil
}

// bars draws the series of each row one after the other, and their sum behind them.
func (c *Chart) bars(p *plot.Plot) error {
	sums := make(plotter.Values, len(c.Rows))
	var below *plotter.BarChart
	for n, s := range c.Series {
		values := make(plotter.Values, len(c.Rows))
		for i := range s.X {
			at := int(c.height(s.Y[i]))
			values[at] += s.X[i]
			sums[at] += s.X[i]
		}
		bar, err := plotter.NewBarChart(values, vg.Points(13))
		if err != nil {
			return err
		}
		bar.Horizontal, bar.Color, bar.LineStyle.Width = true, colours[n], 0
		if below != nil {
			bar.StackOn(below)
		}
		below = bar
		p.Add(bar)
		p.Legend.Add(s.Name, bar)
	}
	texts := plotter.XYLabels{}
	for at, sum := range sums {
		texts.XYs, texts.Labels = append(texts.XYs, plotter.XY{X: sum, Y: float64(at)}), append(texts.Labels, figure(sum))
		p.X.Max = max(p.X.Max, sum*1.12) // room for the text
	}
	labels, err := plotter.NewLabels(texts)
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font = font.Font{Variant: "Sans", Size: vg.Points(9)}
		labels.TextStyle[i].YAlign = draw.YCenter
	}
	labels.Offset = vg.Point{X: vg.Points(5)}
	p.Add(labels)
	p.X.Min = 0
	return nil
}
