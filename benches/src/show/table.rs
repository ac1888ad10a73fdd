//! A Markdown table with aligned columns, so that a terminal shows it as well.

use std::fmt;

pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Table {
        Table { rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl fmt::Display for Table {
    /// The first column to the left, figures to the right.
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
        };
        for (index, row) in self.rows.iter().enumerate() {
            for column in 0..columns {
                let (cell, width) = (row.get(column).map_or("", String::as_str), width(column));
                if column == 0 {
                    write!(out, "| {cell:<width$} ")?;
                } else {
                    write!(out, "| {cell:>width$} ")?;
                }
            }
            writeln!(out, "|")?;
            if index == 0 {
                for column in 0..columns {
                    let dashes = "-".repeat(width(column));
                    write!(out, "| {} ", if column == 0 { dashes } else { format!("{}:", &dashes[1..]) })?;
                }
                writeln!(out, "|")?;
            }
        }
        Ok(())
    }
}

/// Three significant digits: `105k`, `17.2k`, `4.31`, `0.873`.
pub fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        size if !size.is_finite() => return "-".to_owned(),
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn figures_keep_three_significant_digits() {
        let figures = [104_960.0, 17_240.0, 3_483.0, 4.309, 0.8, 2_500_000.0, f64::NAN];
        assert_eq!(figures.map(short), ["105k", "17.2k", "3483", "4.31", "0.80", "2.50M", "-"]);
    }
}
