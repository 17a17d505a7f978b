//! The results as a table.

use qualtrics_simulator::{Call, Endpoint};

/// Lines of results.
#[derive(Default)]
pub struct Table {
    missed: usize,
    lines: Vec<String>,
}

impl Table {
    /// A batch, how long it took and at least takes, in seconds, and its calls.
    #[expect(clippy::too_many_arguments, reason = "the columns of a line")]
    pub fn batch(
        &mut self,
        mix: &str,
        size: usize,
        group_size: Option<usize>,
        order: &str,
        took_s: f64,
        bound_s: f64,
        most: f64,
        calls: &[Call],
    ) {
        let count = |endpoint| calls.iter().filter(|call| call.endpoint == endpoint).count();
        let counts =
            [Endpoint::ErasureCreate, Endpoint::ErasureList, Endpoint::ErasureGet, Endpoint::ContactSearch].map(count);
        let factor = took_s / bound_s;
        let text = format!(
            "{}, {took_s:.0} s, bound {bound_s:.0} s, factor {factor:.2}, create/list/get/search {counts:?}",
            name(mix, size, group_size, order)
        );
        self.line(text, factor <= most);
    }

    /// A batch that this connector cannot run.
    pub fn skip(&mut self, mix: &str, size: usize, group_size: Option<usize>, order: &str) {
        self.line(format!("{}: the connector forms no groups", name(mix, size, group_size, order)), true);
    }

    /// A figure that must be at least this large.
    pub fn rate(&mut self, name: &str, order: &str, figure: f64, least: f64) {
        self.line(format!("{name}, {order}: {figure:.1}, at least {least:.1}"), figure >= least);
    }

    /// A figure that must be at most this large.
    pub fn most(&mut self, name: &str, order: &str, figure: f64, most: f64) {
        self.line(format!("{name}, {order}: {figure:.0}, at most {most:.0}"), figure <= most);
    }

    /// Whether every bar is met.
    pub fn is_good(&self) -> bool {
        self.missed == 0
    }

    pub fn print(&self) {
        println!("{} of {} bars are met", self.lines.len() - self.missed, self.lines.len());
    }

    fn line(&mut self, text: String, is_good: bool) {
        println!("{} {text}", if is_good { "  " } else { "! " });
        self.missed += usize::from(!is_good);
        self.lines.push(text);
    }
}

fn name(mix: &str, size: usize, group_size: Option<usize>, order: &str) -> String {
    let group_size = group_size.map_or_else(|| "default".to_owned(), |size| size.to_string());
    format!("{mix:>16}, {size:>5} requests, group-size {group_size:>3}, {order}")
}
