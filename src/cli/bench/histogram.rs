//! Durations of every sample, in an HDR histogram: three significant digits, no sampling, no decay.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest duration that is told apart: one hour, in nanoseconds.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// All durations of a measurement, from 1 ns to one hour (longer ones count as one hour).
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    #[expect(clippy::expect_used, reason = "constant arguments, within what the crate documents as valid")]
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("1 ns to 1 h with 3 digits is a valid range"),
        )
    }
}

impl Latencies {
    /// Adds one sample.
    pub fn record(&mut self, duration: Duration) {
        self.0.saturating_record(nanos(duration));
    }

    /// Adds the samples of another measurement.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so there is nothing that could fail to fit.
        let _ = self.0.add(&other.0);
    }

    /// The figures to report.
    pub fn summary(&self) -> Summary {
        let at = |quantile| if self.0.is_empty() { 0 } else { self.0.value_at_quantile(quantile) };
        Summary {
            samples: self.0.len(),
            min_ns: if self.0.is_empty() { 0 } else { self.0.min() },
            mean_ns: self.0.mean(),
            stddev_ns: self.0.stdev(),
            p50_ns: at(0.5),
            p75_ns: at(0.75),
            p90_ns: at(0.9),
            p95_ns: at(0.95),
            p99_ns: at(0.99),
            p99_9_ns: at(0.999),
            p99_99_ns: at(0.9999),
            max_ns: at(1.0),
        }
    }
}

/// A duration in nanoseconds, at least 1: what is under the clock's resolution still took place.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(LONGEST_NS).max(1)
}

/// The figures of a [`Latencies`]; 0 throughout where there are no samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// How many samples there are.
    pub samples: u64,
    /// The shortest.
    pub min_ns: u64,
    /// The mean.
    pub mean_ns: f64,
    /// The standard deviation.
    pub stddev_ns: f64,
    /// The median.
    pub p50_ns: u64,
    /// The 75th percentile.
    pub p75_ns: u64,
    /// The 90th percentile.
    pub p90_ns: u64,
    /// The 95th percentile.
    pub p95_ns: u64,
    /// The 99th percentile.
    pub p99_ns: u64,
    /// The 99.9th percentile.
    pub p99_9_ns: u64,
    /// The 99.99th percentile.
    pub p99_99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_counts_to_three_digits() {
        let mut all = Latencies::default();
        let mut other = Latencies::default();
        for micros in 1..=10_000 {
            if micros % 2 == 0 { &mut all } else { &mut other }.record(Duration::from_micros(micros));
        }
        all.merge(&other);
        let summary = all.summary();
        assert_eq!(summary.samples, 10_000);
        for (got, micros) in [
            (summary.min_ns, 1),
            (summary.p50_ns, 5_000),
            (summary.p99_ns, 9_900),
            (summary.p99_99_ns, 9_999),
            (summary.max_ns, 10_000),
        ] {
            let exact = f64::from(micros) * 1_000.0;
            assert!((got as f64 - exact).abs() <= exact * 0.001, "{got} is not {exact}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_still_numbers() {
        let mut all = Latencies::default();
        assert_eq!((all.summary().samples, all.summary().p99_ns, all.summary().min_ns), (0, 0, 0));
        all.record(Duration::ZERO);
        all.record(Duration::from_secs(1_000_000));
        assert_eq!((all.summary().min_ns, all.summary().samples), (1, 2));
        assert!(all.summary().max_ns >= LONGEST_NS);
    }
}
