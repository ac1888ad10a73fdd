//! Pages with tables made from the files of the last run.
//!
//! A table is between `<!-- bench NAME -->` and `<!-- end -->`: only that part is replaced. So no
//! figure on a page is typed.

use super::node;
use super::plots;
use super::tables as t;
use crate::results::{Core, Counts, Run, Scaling, folder, read};
use crate::workload::Shape;

const SINGLE: Shape = Shape { depth: 1, ..Shape::BASE };

/// After `make bench`.
pub fn of_run(run: &Run) -> Result<(), String> {
    plots::throughput(run)?;
    plots::latency(run)?;
    rewrite(
        "README.md",
        &[
            ("about", t::about(&run.about)),
            ("bars", t::bars_table(run).to_string()),
            ("rates", t::rates_table(&run.rates, Shape::BASE).to_string()),
            ("rates-single", t::rates_table(&run.rates, SINGLE).to_string()),
            ("rates-aof", t::rates_table(&run.rates_with_aof, Shape::BASE).to_string()),
            ("shapes", format!("{}\n{}", t::shapes_table(run, 16), t::shapes_table(run, 1))),
            ("sizes", t::sizes_table(run).to_string()),
            ("races", t::races_table(run).to_string()),
            ("latencies", t::latencies_table(run).to_string()),
            ("memory", t::memory_table(&run.memory).to_string()),
            ("written", t::written_table(run).to_string()),
            ("neighbours", t::neighbours_table(run).to_string()),
            ("stalls", t::stalls(run)),
        ],
    )?;
    // Before the first run of the other program there is nothing to compare.
    read::<Scaling>("scaling.json").map_or(Ok(()), |scaling| of_node(run, &scaling))
}

/// After `make bench-scaling`.
pub fn of_scaling(scaling: &Scaling) -> Result<(), String> {
    plots::scaling(scaling)?;
    rewrite(
        "../scaling.md",
        &[
            ("about", t::about(&scaling.about)),
            ("slopes", t::slopes_table(scaling).to_string()),
            ("series", t::series_tables(scaling)),
            ("memory", t::memory_table(&scaling.memory).to_string()),
        ],
    )?;
    read::<Run>("bench.json").map_or(Ok(()), |run| of_node(&run, scaling))
}

/// From the files of the last runs, without a new one.
pub fn again() -> Result<(), String> {
    of_run(&read::<Run>("bench.json")?)?;
    of_scaling(&read::<Scaling>("scaling.json")?)?;
    of_counts(&read::<Counts>("counts.json")?)?;
    of_core(&read::<Core>("core.json")?)
}

/// The capacity of a node needs the figures of both.
fn of_node(run: &Run, scaling: &Scaling) -> Result<(), String> {
    let Some(figures) = node::Figures::of(run, scaling) else { return Ok(()) };
    let tables = [
        ("node", figures.node_table().to_string()),
        ("256mb", figures.small_table().to_string()),
        ("cluster", figures.cluster_table().to_string()),
    ];
    rewrite("../scaling.md", &tables)
}

/// After `make bench-counts`.
pub fn of_counts(found: &Counts) -> Result<(), String> {
    let table = t::counts_table(found).to_string();
    rewrite("README.md", &[("counts-about", t::about(&found.about)), ("counts", table)])
}

/// After `make bench-core`.
pub fn of_core(core: &Core) -> Result<(), String> {
    let tables = [("core-about", t::about(&core.about)), ("core", t::core_table(core).to_string())];
    rewrite("README.md", &tables)
}

fn rewrite(page: &str, tables: &[(&str, String)]) -> Result<(), String> {
    let path = folder().join(page);
    let problem = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let mut text = std::fs::read_to_string(&path).map_err(|error| problem(&error))?;
    for (name, table) in tables {
        text = replaced(&text, name, table).ok_or_else(|| problem(&format!("no place for {name}")))?;
    }
    std::fs::write(&path, text).map_err(|error| problem(&error))
}

fn replaced(page: &str, name: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- bench {name} -->\n"))?;
    let (_, after) = rest.split_once("<!-- end -->")?;
    Some(format!("{before}<!-- bench {name} -->\n{table}<!-- end -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_text_between_the_marks_is_replaced() {
        let page = "a\n<!-- bench x -->\nold\n<!-- end -->\nb\n<!-- bench y -->\n<!-- end -->\n";
        let new = "a\n<!-- bench x -->\nnew\n<!-- end -->\nb\n<!-- bench y -->\n<!-- end -->\n";
        assert_eq!(replaced(page, "x", "new\n").as_deref(), Some(new));
        assert_eq!(replaced(page, "z", "new\n"), None);
    }
}
