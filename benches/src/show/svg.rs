//! Plots as SVG, written by hand: there are two kinds, and a plotting crate would be this program's
//! largest dependency.
//!
//! A style sheet in the file adapts the text to light and dark pages. The colours of marks are
//! distinguishable on both, also with red-green colour blindness.

use std::fmt::Write as _;

const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"];
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.axis{stroke:#8c959f;stroke-width:1}\
.grid{stroke:#8c959f;stroke-width:1;stroke-opacity:.3}.title{font-weight:600}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}}";

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

pub fn bars(title: &str, bars: &[Bar]) -> String {
    const LEFT: f64 = 190.0;
    const WIDTH: f64 = 420.0;
    const STEP: f64 = 24.0;
    let most = bars.iter().map(|bar| bar.max).fold(f64::MIN_POSITIVE, f64::max);
    let x = |value: f64| LEFT + value / most * WIDTH;
    let mut body = String::new();
    for (index, bar) in bars.iter().enumerate() {
        let (top, colour) = (40.0 + index as f64 * STEP, COLOURS[bar.group % COLOURS.len()]);
        let middle = top + 8.0;
        text(&mut body, LEFT - 8.0, top + 12.0, "end", "", &bar.name);
        let width = x(bar.value) - LEFT;
        push(
            &mut body,
            format_args!(
                r#"<rect x="{LEFT}" y="{top:.1}" width="{width:.1}" height="16" rx="2" fill="{colour}"/>"#
            ),
        );
        let (from, to) = (x(bar.min), x(bar.max));
        push(&mut body, format_args!(r#"<path class="axis" d="M{from:.1} {middle:.1}H{to:.1}"/>"#));
        text(&mut body, to + 8.0, top + 12.0, "start", "", &bar.note);
    }
    let height = 56.0 + bars.len() as f64 * STEP;
    document(title, LEFT + WIDTH + 150.0, height, &body)
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
    x_name: impl Fn(f64) -> String,
    y_name: impl Fn(f64) -> String,
) -> String {
    const LEFT: f64 = 70.0;
    const TOP: f64 = 40.0;
    const WIDTH: f64 = 460.0;
    const HEIGHT: f64 = 280.0;
    let all = || lines.iter().flat_map(|line| &line.points);
    let (x_min, x_max) = bounds(all().map(|point| point.0));
    let (y_min, y_max) = bounds(all().map(|point| point.1));
    let (y_low, y_high) = (10_f64.powf(y_min.log10().floor()), 10_f64.powf(y_max.log10().ceil()));
    let x = |value: f64| LEFT + WIDTH * share(value, x_min, x_max);
    let y = |value: f64| TOP + HEIGHT * (1.0 - share(value, y_low, y_high));
    let mut body = String::new();
    let mut tick = y_low;
    while tick <= y_high * 1.001 {
        push(&mut body, format_args!(r#"<path class="grid" d="M{LEFT} {:.1}h{WIDTH}"/>"#, y(tick)));
        text(&mut body, LEFT - 8.0, y(tick) + 4.0, "end", "", &y_name(tick));
        tick *= 10.0;
    }
    let longest = lines.iter().map(|line| &line.points).max_by_key(|points| points.len());
    for (value, _) in longest.into_iter().flatten() {
        push(&mut body, format_args!(r#"<path class="grid" d="M{:.1} {TOP}v{HEIGHT}"/>"#, x(*value)));
        text(&mut body, x(*value), TOP + HEIGHT + 18.0, "middle", "", &x_name(*value));
    }
    for (index, line) in lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let path: Vec<String> =
            line.points.iter().map(|(px, py)| format!("{:.1} {:.1}", x(*px), y(*py))).collect();
        let path = path.join("L");
        push(
            &mut body,
            format_args!(r#"<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#),
        );
        let row = TOP + 14.0 + index as f64 * 20.0;
        let legend = LEFT + WIDTH + 20.0;
        push(
            &mut body,
            format_args!(r#"<path d="M{legend} {row:.1}h18" stroke="{colour}" stroke-width="3"/>"#),
        );
        text(&mut body, legend + 24.0, row + 4.0, "start", "", &line.name);
    }
    document(title, LEFT + WIDTH + 230.0, TOP + HEIGHT + 34.0, &body)
}

fn bounds(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::MIN_POSITIVE, f64::max))
}

/// The position of a value between two others, by logarithms.
fn share(value: f64, low: f64, high: f64) -> f64 {
    if high > low { (value / low).ln() / (high / low).ln() } else { 0.5 }
}

fn document(title: &str, width: f64, height: f64, body: &str) -> String {
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" role="img">"#
    );
    push(&mut out, format_args!("\n<title>{}</title><style>{STYLE}</style>", escaped(title)));
    text(&mut out, 8.0, 20.0, "start", "title", title);
    out.push_str(body);
    out.push_str("</svg>\n");
    out
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, class: &str, words: &str) {
    let words = escaped(words);
    push(
        out,
        format_args!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{words}</text>"#),
    );
}

fn push(out: &mut String, what: std::fmt::Arguments) {
    out.write_fmt(what).expect("a string takes it");
    out.push('\n');
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Bar, Line, bars, lines};

    #[test]
    fn names_are_text_and_not_markup() {
        let bar =
            Bar { name: "a<b&c".to_owned(), value: 1.0, min: 0.5, max: 2.0, note: String::new(), group: 0 };
        assert!(bars("x", &[bar]).contains(">a&lt;b&amp;c</text>"));
    }

    #[test]
    fn a_line_goes_from_the_left_edge_to_the_right_edge() {
        let line = Line { name: "x".to_owned(), points: vec![(1.0, 1.0), (10.0, 100.0)] };
        // The axis of y begins and ends with a power of ten, as these points do.
        let plot = lines("t", &[line], |x| x.to_string(), |y| y.to_string());
        assert!(plot.contains(r#"d="M70.0 320.0L530.0 40.0""#), "{plot}");
    }
}
