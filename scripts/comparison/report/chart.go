package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Colours that can be told apart with any kind of colour vision (Okabe and Ito 2008), without the
// light ones. Dashes and markers distinguish the lines without colour.
var (
	colours = []color.NRGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {0, 0, 0, 255}}
	dashes  = [][]vg.Length{nil, {vg.Points(7), vg.Points(3)}, {vg.Points(2), vg.Points(2.5)}, {vg.Points(9), vg.Points(3), vg.Points(2), vg.Points(3)}, {vg.Points(4), vg.Points(2)}}
	markers = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, draw.RingGlyph{}, draw.CrossGlyph{}}
)

const chartWidth, chartHeight = 17 * vg.Centimeter, 9 * vg.Centimeter

// draw renders the chart as SVG.
func (c *Chart) draw() error {
	p := plot.New()
	for _, s := range []*font.Font{&p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		s.Variant, s.Size = "Sans", vg.Points(10)
	}
	p.X.Label.Text, p.Y.Label.Text = c.X, c.Y
	p.X.Label.Padding, p.Y.Label.Padding = vg.Points(4), vg.Points(4)
	if len(c.Rows) > 0 {
		return c.drawRows(p)
	}
	c.scales(p)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{240}
	p.Add(grid)
	for i, s := range c.Series {
		if err := c.add(p, i%len(colours), s); err != nil {
			return fmt.Errorf("chart %q, line %q: %w", c.Title, s.Name, err)
		}
	}
	if c.yLow < c.yHigh {
		p.Y.Min, p.Y.Max = c.yLow, c.yHigh
	}
	if c.logY { // the axis begins and ends at powers of ten
		p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(p.Y.Min))), math.Pow(10, math.Ceil(math.Log10(p.Y.Max)))
	}
	for _, l := range c.levels {
		line, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: l.y}, {X: p.X.Max, Y: l.y}})
		if err != nil {
			return err
		}
		line.Color, line.Width = color.Gray{90}, vg.Points(0.8)
		p.Add(line)
		beside := plotter.XYLabels{XYs: plotter.XYs{{X: p.X.Max, Y: l.y}}, Labels: []string{l.name}}
		if err := texts(p, beside, 9, vg.Point{X: vg.Points(5), Y: -vg.Points(3)}); err != nil {
			return err
		}
	}
	return c.render(p, chartHeight)
}

// render draws the plot with the legend in a separate strip above it, so that the legend never
// covers a line.
func (c *Chart) render(p *plot.Plot, height vg.Length) error {
	legend := p.Legend
	legend.Top, legend.Left, legend.ThumbnailWidth, legend.Padding = true, true, vg.Points(30), vg.Points(2.5)
	strip := vg.Points(14)*vg.Length(len(c.Series)) + vg.Points(4)
	canvas := vgsvg.New(chartWidth, height+strip)
	whole := draw.New(canvas)
	p.Legend = plot.NewLegend()
	left, right := vg.Length(0), vg.Points(14) // space for half of the outermost tick labels
	if len(c.Rows) > 0 {
		left = vg.Points(8)
	}
	p.Draw(draw.Crop(whole, left, -right, 0, -strip))
	legend.Draw(draw.Crop(whole, vg.Points(40), 0, height, 0))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	c.SVG = inline(b.String(), c.Title)
	return nil
}

// scales sets the scales and ranges of the axes.
func (c *Chart) scales(p *plot.Plot) {
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{c.logX, c.percentX}, ticks{c.logY, c.percentY}
	if c.logX {
		p.X.Scale = plot.LogScale{}
	}
	if c.logY {
		p.Y.Scale = plot.LogScale{}
	}
}

// add draws one series: its line, band and markers.
func (c *Chart) add(p *plot.Plot, i int, s Series) error {
	points := make(plotter.XYs, len(s.X))
	for j := range s.X {
		points[j] = plotter.XY{X: s.X[j], Y: c.within(s.Y[j])}
	}
	if len(s.Low) > 0 {
		band := make(plotter.XYs, 0, 2*len(s.X))
		for j := range s.X {
			band = append(band, plotter.XY{X: s.X[j], Y: c.within(s.High[j])})
		}
		for j := len(s.X) - 1; j >= 0; j-- {
			band = append(band, plotter.XY{X: s.X[j], Y: c.within(s.Low[j])})
		}
		area, err := plotter.NewPolygon(band)
		if err != nil {
			return err
		}
		light := colours[i]
		light.A = 40
		area.Color, area.Width = light, 0
		p.Add(area)
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Color, line.Width, line.Dashes = colours[i], vg.Points(2), dashes[i]
	every := max(1, c.markersEvery)
	var some plotter.XYs
	for j := every / 2; j < len(points); j += every {
		some = append(some, points[j])
	}
	p.Add(line)
	entries := []plot.Thumbnailer{line}
	if len(some) > 0 {
		scatter, err := plotter.NewScatter(some)
		if err != nil {
			return err
		}
		scatter.GlyphStyle = draw.GlyphStyle{Color: colours[i], Radius: vg.Points(3.5), Shape: markers[i]}
		p.Add(scatter)
		entries = append(entries, scatter)
	}
	p.Legend.Add(s.Name, entries...)
	return nil
}

// within clamps a value to the range of the chart.
func (c *Chart) within(y float64) float64 {
	if c.yLow < c.yHigh {
		return min(max(y, c.yLow), c.yHigh)
	}
	return y
}

// ticks places the ticks of an axis. On a logarithmic axis they are at powers of ten, with more
// between them if there are few.
type ticks struct{ log, percent bool }

// Ticks implements [plot.Ticker].
func (t ticks) Ticks(low, high float64) (all []plot.Tick) {
	if !t.log {
		all = plot.DefaultTicks{}.Ticks(low, high)
	} else {
		for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
			for _, step := range t.steps(low, high) {
				if v := step * math.Pow(10, e); v >= low*0.999 && v <= high*1.001 {
					all = append(all, plot.Tick{Value: v, Label: "major"})
				}
			}
		}
	}
	for i := range all {
		if all[i].Label != "" {
			all[i].Label = t.label(all[i].Value)
		}
	}
	return all
}

func (ticks) steps(low, high float64) []float64 {
	if high/low > 150 {
		return []float64{1}
	}
	return []float64{1, 2, 5}
}

func (t ticks) label(v float64) string {
	unit := ""
	if t.percent {
		v, unit = v*100, "%"
	}
	if v >= 1e6 {
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + " M" + unit
	}
	return grouped(strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)) + unit
}

// inline converts an SVG document to an element of an HTML page.
func inline(svg, title string) template.HTML {
	svg = svg[strings.Index(svg, "<svg"):]
	svg = strings.Replace(svg, "<svg ", `<svg role="img" aria-label="`+html.EscapeString(title)+`" `, 1)
	// Liberation Sans is the font by whose widths the texts were placed. The others have the same
	// widths, and most readers have one of them.
	svg = strings.ReplaceAll(svg, "font-family:Liberation Sans;", "font-family:Liberation Sans,Arimo,Arial,Helvetica,sans-serif;")
	return template.HTML(svg) //nolint:gosec // the chart library escapes texts, and the title is escaped here
}
