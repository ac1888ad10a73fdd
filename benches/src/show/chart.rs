//! The two kinds of plots, drawn by plotters as SVG.
//!
//! A style sheet after the first tag adapts the text to light and dark pages, because plotters has
//! one colour for both. The colours of bars and lines are distinguishable on both, also with
//! red-green colour blindness. plotters is built without fonts, so it measures no text, and a plot
//! is the same on every machine.

use std::io;
use std::iter::successors;

use plotters::coord::Shift;
use plotters::coord::combinators::BindKeyPoints;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const COLOURS: [u32; 8] = [0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x8c6bb1, 0x7f7f7f];
const GREY: RGBColor = RGBColor(0x8c, 0x95, 0x9f);
/// Takes precedence over the attributes by plotters.
const STYLE: &str = "<style>text{font-family:system-ui,sans-serif;fill:#24292f}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>\n";
const WIDTH: u32 = 760;
/// The height of the title.
const TOP: u32 = 40;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

/// A horizontal bar, with its range over all rounds.
pub struct Bar {
    pub name: String,
    pub value: f64,
    pub min: f64,
    pub max: f64,
    /// The text after the bar.
    pub note: String,
    /// Bars of one group have one colour.
    pub group: usize,
}

pub fn bars(title: &str, bars: &[Bar]) -> Result<String, String> {
    const STEP: usize = 24;
    let most = bars.iter().map(|bar| bar.max).fold(f64::MIN_POSITIVE, f64::max);
    picture(title, TOP + (STEP * bars.len() + 16) as u32, |root| {
        // The first row is at the top.
        let chart = ChartBuilder::on(root)
            .margin_top(TOP)
            .margin_right(150)
            .margin_bottom(16)
            .margin_left(190)
            .build_cartesian_2d(0.0..most, bars.len() as f64..0.0)?;
        let area = chart.plotting_area();
        for (row, bar) in bars.iter().enumerate() {
            let middle = row as f64 + 0.5;
            let corners = [(0.0, middle - 0.33), (bar.value, middle + 0.33)];
            area.draw(&Rectangle::new(corners, colour(bar.group).filled()))?;
            area.draw(&PathElement::new([(bar.min, middle), (bar.max, middle)], GREY))?;
            let name = Text::new(bar.name.clone(), (-8, 0), text(HPos::Right));
            area.draw(&(EmptyElement::at((0.0, middle)) + name))?;
            let note = Text::new(bar.note.clone(), (8, 0), text(HPos::Left));
            area.draw(&(EmptyElement::at((bar.max, middle)) + note))?;
        }
        Ok(())
    })
}

/// One line of a plot with logarithmic axes.
pub struct Line {
    pub name: String,
    /// All above 0.
    pub points: Vec<(f64, f64)>,
}

/// `x_name` and `y_name` format the numbers on the axes.
pub fn lines(
    title: &str,
    lines: &[Line],
    x_name: impl Fn(&f64) -> String,
    y_name: impl Fn(&f64) -> String,
) -> Result<String, String> {
    let all = || lines.iter().flat_map(|line| &line.points);
    let (x_min, x_max) = bounds(all().map(|point| point.0));
    let (y_min, y_max) = bounds(all().map(|point| point.1));
    let (y_low, y_high) = (10_f64.powf(y_min.log10().floor()), 10_f64.powf(y_max.log10().ceil()));
    let decades = successors(Some(y_low), |decade| Some(decade * 10.0));
    let decades = decades.take_while(|decade| *decade <= y_high * 1.001).collect();
    let longest = lines.iter().map(|line| &line.points).max_by_key(|points| points.len());
    let measured = longest.into_iter().flatten().map(|point| point.0).collect();
    picture(title, 354, |root| {
        let (plot, legend) = root.split_horizontally(WIDTH - 210);
        let mut chart = ChartBuilder::on(&plot)
            .margin_top(TOP)
            .margin_right(20)
            .x_label_area_size(34)
            .y_label_area_size(70)
            .build_cartesian_2d(
                (x_min..x_max).log_scale().with_key_points(measured),
                (y_low..y_high).log_scale().with_key_points(decades),
            )?;
        chart
            .configure_mesh()
            .axis_style(TRANSPARENT)
            .bold_line_style(GREY.mix(0.3))
            .x_label_formatter(&x_name)
            .y_label_formatter(&y_name)
            .label_style(text(HPos::Left))
            .draw()?;
        for (row, line) in lines.iter().enumerate() {
            let path = PathElement::new(line.points.as_slice(), colour(row).stroke_width(2));
            chart.plotting_area().draw(&path)?;
            let y = TOP as i32 + 14 + 20 * row as i32;
            legend.draw(&PathElement::new([(0, y), (18, y)], colour(row).stroke_width(3)))?;
            legend.draw(&Text::new(line.name.as_str(), (24, y), text(HPos::Left)))?;
        }
        Ok(())
    })
}

fn bounds(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::MIN_POSITIVE, f64::max))
}

/// A picture with a title, drawn by `draw`.
fn picture(title: &str, height: u32, draw: impl FnOnce(&Area) -> Drawn) -> Result<String, String> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    let mut bold = text(HPos::Left);
    bold.font = bold.font.style(FontStyle::Bold);
    let heading = Text::new(title, (8, 16), bold);
    let drawn = root.draw(&heading).and_then(|()| draw(&root)).and_then(|()| root.present());
    drop(root);
    drawn.map_err(|error| format!("{title}: {error}"))?;
    Ok(svg.replacen(">\n", &format!(">\n{STYLE}"), 1))
}

fn colour(index: usize) -> RGBColor {
    let [_, red, green, blue] = COLOURS[index % COLOURS.len()].to_be_bytes();
    RGBColor(red, green, blue)
}

/// 12 pixels: plotters divides by 1.24, the height of a line.
fn text(to: HPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", 14.88).into_font()).pos(Pos::new(to, VPos::Center))
}

#[cfg(test)]
mod tests {
    use super::{Line, STYLE, bars, lines};

    #[test]
    fn style_sheet_follows_the_first_tag() {
        let plot = bars("t", &[]).unwrap();
        let (tag, rest) = plot.split_once('\n').unwrap();
        assert!(tag.starts_with("<svg ") && rest.starts_with(STYLE), "{plot}");
    }

    #[test]
    fn line_goes_from_the_left_edge_to_the_right_edge() {
        let line = Line { name: "x".to_owned(), points: vec![(1.0, 1.0), (10.0, 100.0)] };
        // The axis of y begins and ends with a power of ten, as these points do.
        let plot = lines("t", &[line], |x| x.to_string(), |y| y.to_string()).unwrap();
        assert!(plot.contains(r#"points="70,319 529,40 ""#), "{plot}");
    }
}
