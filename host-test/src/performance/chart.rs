//! Pictures: bars and lines, each as SVG and as PNG.

use std::ops::Range;
use std::path::Path;
use std::sync::Once;
use std::{error, fs, io};

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::png;

/// What can be drawn.
pub(super) enum Chart {
    /// Bars in groups, all in one unit. Where they are logarithmic, each length more is a factor.
    Bars { title: String, logarithmic: bool, groups: Vec<Group> },
    /// Lines through points.
    Lines { title: String, x: Axis, y: Axis, lines: Vec<Line> },
}

/// Bars that belong together.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) bars: Vec<(String, f64)>,
}

/// What a direction means.
pub(super) struct Axis {
    pub(super) name: &'static str,
    /// Whether each step is a multiple of the one before.
    pub(super) logarithmic: bool,
}

/// A line, and its name.
pub(super) struct Line {
    pub(super) name: String,
    /// Lines about the same thing have one colour: the number of it.
    pub(super) colour: usize,
    /// Of two such lines, one is dashed, so that both are seen where they meet.
    pub(super) dashed: bool,
    pub(super) points: Vec<(f64, f64)>,
}

type Drawn = Result<(), Box<dyn error::Error>>;

const WIDTH: u32 = 960;
/// PNG has twice as many points in each direction, so that it is sharp on every screen.
const SHARPNESS: u32 = 2;

/// How much room the names of lines have, beside the lines.
const NAMES_OF_LINES: i32 = 250;

/// Colours that the colour-blind can tell apart (Okabe and Ito).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
];

impl Chart {
    /// Draws it into this directory, as `name.svg` and `name.png`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn draw(&self, directory: &Path, name: &str) -> io::Result<()> {
        know_the_font();
        let height = self.height();
        let failed = |error: Box<dyn error::Error>| io::Error::other(error.to_string());
        let svg = directory.join(format!("{name}.svg"));
        self.on(&SVGBackend::new(&svg, (WIDTH, height)).into_drawing_area(), 1).map_err(failed)?;
        let (width, height) = (WIDTH * SHARPNESS, height * SHARPNESS);
        let mut points = vec![0; (width * height * 3) as usize];
        let bitmap = BitMapBackend::with_buffer(&mut points, (width, height));
        self.on(&bitmap.into_drawing_area(), SHARPNESS).map_err(failed)?;
        fs::write(directory.join(format!("{name}.png")), png::encode(width, height, &points)?)
    }

    fn height(&self) -> u32 {
        match self {
            Self::Bars { groups, .. } => {
                let bars: usize = groups.iter().map(|group| group.bars.len() + 1).sum();
                80 + 24 * bars as u32
            }
            Self::Lines { .. } => 460,
        }
    }

    fn on<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, scale: u32) -> Drawn
    where
        B::ErrorType: 'static,
    {
        area.fill(&WHITE)?;
        let title = match self {
            Self::Bars { title, .. } | Self::Lines { title, .. } => title,
        };
        let unit = scale as i32;
        let area = area.margin(12 * unit, 4 * unit, 4 * unit, 4 * unit).titled(title, ("sans-serif", 20 * scale))?;
        match self {
            Self::Bars { groups, logarithmic, .. } => bars(&area, groups, *logarithmic, scale)?,
            Self::Lines { x, y, lines, .. } => {
                let (across, up) = (range(lines, x, |point| point.0), range(lines, y, |point| point.1));
                match (x.logarithmic, y.logarithmic) {
                    (false, false) => plot(&area, across, up, (x, y), lines, scale)?,
                    (true, false) => plot(&area, across.log_scale(), up, (x, y), lines, scale)?,
                    (false, true) => plot(&area, across, up.log_scale(), (x, y), lines, scale)?,
                    (true, true) => plot(&area, across.log_scale(), up.log_scale(), (x, y), lines, scale)?,
                }
            }
        }
        area.present()?;
        Ok(())
    }
}

/// From where to where an axis goes.
fn range(lines: &[Line], axis: &Axis, of: impl Fn(&(f64, f64)) -> f64) -> Range<f64> {
    let values = || lines.iter().flat_map(|line| &line.points).map(&of);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    match (axis.logarithmic, most > 0.0) {
        (_, false) => 0.1..1.0,
        (true, true) => least.max(1e-3) / 1.3..most * 1.5,
        (false, true) => 0.0..most * 1.08,
    }
}

fn plot<B: DrawingBackend, X: AsRangedCoord<Value = f64>, Y: AsRangedCoord<Value = f64>>(
    area: &DrawingArea<B, Shift>,
    x: X,
    y: Y,
    axes: (&Axis, &Axis),
    lines: &[Line],
    scale: u32,
) -> Drawn
where
    B::ErrorType: 'static,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let unit = scale as i32;
    let (width, _) = area.dim_in_pixel();
    let (area, names) = area.split_horizontally(width as i32 - NAMES_OF_LINES * unit);
    let mut chart = ChartBuilder::on(&area)
        .margin(12 * scale)
        .x_label_area_size(44 * scale)
        .y_label_area_size(72 * scale)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_desc(axes.0.name)
        .y_desc(axes.1.name)
        .label_style(("sans-serif", 14 * scale))
        .axis_desc_style(("sans-serif", 15 * scale))
        .x_label_formatter(&|value| number(*value))
        .y_label_formatter(&|value| number(*value))
        .draw()?;
    for line in lines {
        let colour = COLOURS[line.colour % COLOURS.len()];
        let style = colour.stroke_width(2 * scale);
        let points = line.points.iter().copied();
        if line.dashed {
            chart.draw_series(DashedLineSeries::new(points, 8 * scale, 6 * scale, style))?;
        } else {
            chart.draw_series(LineSeries::new(points, style))?;
        }
        // Few points were measured one by one, and are to be seen; many are a line.
        if line.points.len() < 20 {
            let (size, inner) = if line.dashed { (5 * scale, WHITE.filled()) } else { (4 * scale, colour.filled()) };
            chart.draw_series(line.points.iter().map(|point| Circle::new(*point, size, inner)))?;
            chart.draw_series(line.points.iter().map(|point| Circle::new(*point, size, style)))?;
        }
    }
    for (place, line) in (0..).zip(lines) {
        let y = (30 + 24 * place) * unit;
        let style = COLOURS[line.colour % COLOURS.len()].stroke_width(3 * scale);
        let pieces = if line.dashed { vec![(4, 12), (18, 28)] } else { vec![(4, 28)] };
        for (from, to) in pieces {
            names.draw(&PathElement::new([(from * unit, y), (to * unit, y)], style))?;
        }
        let font = ("sans-serif", 13 * scale).into_font();
        names.draw(&Text::new(line.name.clone(), (36 * unit, y - 7 * unit), font))?;
    }
    Ok(())
}

/// One bar below the other, with its name on the left and its value at its end.
fn bars<B: DrawingBackend>(area: &DrawingArea<B, Shift>, groups: &[Group], logarithmic: bool, scale: u32) -> Drawn
where
    B::ErrorType: 'static,
{
    const NAMES: i32 = 190;
    const ROW: i32 = 24;
    let unit = scale as i32;
    let (width, _) = area.dim_in_pixel();
    let values = || groups.iter().flat_map(|group| &group.bars).map(|(_, value)| *value).filter(|value| *value > 0.0);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    // The shortest bar of a logarithmic picture is to be seen, too.
    let share = |value: f64| match (value > 0.0, logarithmic) {
        (false, _) => 0.0,
        (true, false) => value / most,
        (true, true) => (value / least * 2.0).ln() / (most / least * 2.0).ln(),
    };
    let room = f64::from(width as i32 - (NAMES + 110) * unit);
    let small = ("sans-serif", 14 * scale).into_font();
    let mut y = 10 * unit;
    let mut names: Vec<&str> = Vec::new();
    for group in groups {
        area.draw(&Text::new(group.name.clone(), (16 * unit, y + 4 * unit), ("sans-serif", 15 * scale).into_font()))?;
        y += ROW * unit;
        for (name, value) in &group.bars {
            let place = names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            let length = (share(*value) * room) as i32;
            let (left, top, bottom) = (NAMES * unit, y + 2 * unit, y + (ROW - 4) * unit);
            let colour = COLOURS[place % COLOURS.len()];
            area.draw(&Text::new(name.clone(), (36 * unit, y + 4 * unit), small.clone()))?;
            area.draw(&Rectangle::new([(left, top), (left + length.max(1), bottom)], colour.filled()))?;
            area.draw(&Text::new(number(*value), (left + length + 8 * unit, y + 4 * unit), small.clone()))?;
            y += ROW * unit;
        }
    }
    Ok(())
}

/// As many digits as say something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1_000.0.. => grouped(value.round() as i64),
        10.0.. => format!("{value:.0}"),
        1.0.. => trimmed(format!("{value:.1}")),
        0.1.. => trimmed(format!("{value:.2}")),
        _ => trimmed(format!("{value:.3}")),
    }
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn grouped(value: i64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The font comes along: what fonts a machine has is its own affair.
fn know_the_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = include_bytes!("font/DejaVuSans-subset.ttf");
        assert!(register_font("sans-serif", FontStyle::Normal, font).is_ok(), "the font that comes along is one");
    });
}
