//! Measurements as lines that Go's benchmark tools read.

use crate::testing::{Measured, TestResult};

/// One line for each test that was measured: `BenchmarkDataAppTestTestX  1000  123.4 ns/op`.
pub fn render<'a>(tests: impl Iterator<Item = &'a TestResult>) -> String {
    let line = |test: &TestResult| {
        let Measured { iterations, ns_per_op } = test.measured?;
        Some(format!("Benchmark{}\t{iterations}\t{ns_per_op:.1} ns/op\n", camel_case(&test.title())))
    };
    tests.filter_map(line).collect()
}

fn camel_case(name: &str) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    name.split(['.', '_']).map(part).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_begin_with_a_capital_in_each_part() {
        assert_eq!(super::camel_case("data.app_test.test_x#01"), "DataAppTestTestX#01");
    }
}
