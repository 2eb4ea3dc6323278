//! What `verdict bench --url` prints: for a person, or as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::histogram::Summary;
use super::server::Measured;

mod document;

use document::{Document, FailedRequests, Generator, Rate, Ratio, RoundRatio, ServerDocument, document};

/// A generator whose threads are busier than this was itself what the load waited for.
const SATURATED: f64 = 0.9;
/// An open loop whose turns come later than this by the 99th percentile measures itself.
const LATE_NS: u64 = 1_000_000;

/// The report as JSON, with a line end.
pub fn json(measured: &Measured) -> String {
    let mut text = serde_json::to_string_pretty(&document(measured)).unwrap_or_default();
    text.push('\n');
    text
}

/// The report for a person.
pub fn pretty(measured: &Measured) -> String {
    let document = document(measured);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_document(&mut text, &document);
    text
}

fn write_document(out: &mut String, document: &Document<'_>) -> fmt::Result {
    if document.interrupted {
        writeln!(out, "stopped early: these are the figures so far\n")?;
    }
    for server in &document.servers {
        write_server(out, server)?;
        writeln!(out)?;
    }
    if let (Some(ratio), [first, second]) = (&document.first_over_second, document.servers.as_slice()) {
        writeln!(out, "{} over {}, {} rounds each", first.url, second.url, ratio.by_round.len())?;
        write_ratio(out, "throughput", ratio.throughput, ratio, |round| round.throughput)?;
        write_ratio(out, "latency p50", ratio.latency_p50, ratio, |round| round.latency_p50)?;
        write_ratio(out, "latency p99", ratio.latency_p99, ratio, |round| round.latency_p99)?;
    }
    Ok(())
}

fn write_ratio(
    out: &mut String,
    name: &str,
    total: f64,
    ratio: &Ratio,
    of: fn(&RoundRatio) -> f64,
) -> fmt::Result {
    let rounds = ratio.by_round.iter().map(of);
    let (least, most) =
        (rounds.clone().fold(f64::INFINITY, f64::min), rounds.fold(f64::NEG_INFINITY, f64::max));
    writeln!(out, "  {name:<12} {total:>7.3}x   by round {least:.3} to {most:.3}")
}

fn write_server(out: &mut String, server: &ServerDocument<'_>) -> fmt::Result {
    writeln!(out, "{}", server.url)?;
    let load = server
        .rate
        .as_ref()
        .map_or("closed loop".to_owned(), |rate| format!("open loop, {}/s asked", grouped(rate.asked_per_s)));
    writeln!(
        out,
        "  {load}, {} connections, {:.2} s (and {:.2} s of warm-up)\n",
        server.connections, server.elapsed_s, server.warmup_s
    )?;
    writeln!(
        out,
        "  requests     {} sent, {} answered, {} failed",
        grouped(server.requests_sent as f64),
        grouped(server.requests_answered as f64),
        grouped(server.requests_failed as f64)
    )?;
    writeln!(out, "  throughput   {}/s", grouped(server.throughput_per_s))?;
    if !server.answers_by_status.is_empty() {
        writeln!(out, "  statuses     {}", counts(&server.answers_by_status))?;
    }
    if let Some(outcomes) = &server.answers_by_outcome {
        writeln!(out, "  outcomes     {}", counts(outcomes))?;
    }
    writeln!(out)?;
    write_latencies(out, server)?;
    write_generator(out, &server.generator)?;
    write_warnings(out, server)
}

fn write_latencies(out: &mut String, server: &ServerDocument<'_>) -> fmt::Result {
    let head = ["p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"];
    write!(out, "  {:<12}", "")?;
    head.iter().try_for_each(|name| write!(out, "{name:>9}"))?;
    writeln!(out)?;
    write_row(out, "latency", &server.latency)?;
    if server.rate.is_some() {
        write_row(out, "service time", &server.service_time)?;
        writeln!(
            out,
            "  (latency counts from when a request was due, service time from when it was\n  sent)"
        )?;
    }
    Ok(())
}

fn write_row(out: &mut String, name: &str, summary: &Summary) -> fmt::Result {
    let Summary { p50_ns, p90_ns, p95_ns, p99_ns, p99_9_ns, p99_99_ns, max_ns, .. } = *summary;
    write!(out, "  {name:<12}")?;
    for nanos in [p50_ns, p90_ns, p95_ns, p99_ns, p99_9_ns, p99_99_ns, max_ns] {
        write!(out, "{:>9}", duration(nanos as f64))?;
    }
    writeln!(out)
}

fn write_generator(out: &mut String, generator: &Generator) -> fmt::Result {
    let (Some(cost), Some(busy)) = (generator.cpu_ns_per_request, generator.cpu_busy_ratio) else {
        return Ok(());
    };
    writeln!(out, "\n  generator    {} of cpu a request, {:.0} % busy", duration(cost), busy * 100.0)
}

/// What a reader of the figures must not miss.
fn write_warnings(out: &mut String, server: &ServerDocument<'_>) -> fmt::Result {
    let FailedRequests { connect, timeout, closed, undecodable } = server.failed_requests;
    let kinds =
        [("connect", connect), ("timeout", timeout), ("closed", closed), ("undecodable", undecodable)];
    let failed: BTreeMap<_, _> = kinds.into_iter().filter(|(_, count)| *count > 0).collect();
    if let Some(first) = &server.first_failure {
        writeln!(out, "\n  FAILED: {}; the first: {first}", counts(&failed))?;
    }
    if server.requests_unfinished > 0 {
        writeln!(out, "\n  {} requests were under way when it was stopped", server.requests_unfinished)?;
    }
    if server.requests_decided == 0 {
        writeln!(out, "\n  NOTHING MEASURED: no answer is a decision")?;
    } else if let Some(most) = server.undecided.iter().max_by_key(|kind| kind.requests) {
        let undecided = server.requests_answered.saturating_sub(server.requests_decided);
        let share = undecided as f64 / server.requests_answered.max(1) as f64 * 100.0;
        let outcome = most.outcome.map(|outcome| format!(" {outcome}")).unwrap_or_default();
        write!(
            out,
            "\n  NOT ALL DECISIONS: {share:.2} % of the answers are none, most of them {}{outcome}",
            most.status
        )?;
        writeln!(out, "{}", most.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())?;
    }
    if let Some(rate) = &server.rate {
        write_rate_warnings(out, rate, server.requests_unsent)?;
    }
    if server.generator.cpu_busy_ratio.is_some_and(|busy| busy > SATURATED) {
        writeln!(out, "\n  GENERATOR SATURATED: it was this program that was too slow; try more --threads")?;
    }
    Ok(())
}

fn write_rate_warnings(out: &mut String, rate: &Rate, unsent: u64) -> fmt::Result {
    if !rate.held {
        writeln!(
            out,
            "\n  RATE NOT HELD: {}/s of {}/s were sent; {} requests found no free\n  \
             connection before the end (they count in latency with the time they waited):\n  \
             the server is too slow, or --connections too few",
            grouped(rate.achieved_per_s),
            grouped(rate.asked_per_s),
            grouped(unsent as f64)
        )?;
    }
    if rate.generator_lateness.p99_ns > LATE_NS {
        writeln!(
            out,
            "\n  GENERATOR LATE: its own turns came late (p99 {}, max {}),\n  which is in the latency, too",
            duration(rate.generator_lateness.p99_ns as f64),
            duration(rate.generator_lateness.max_ns as f64)
        )?;
    }
    Ok(())
}

fn counts<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let parts: Vec<_> =
        counts.iter().map(|(name, count)| format!("{name}: {}", grouped(*count as f64))).collect();
    parts.join(", ")
}

/// A duration with three significant digits and its unit.
pub fn duration(nanos: f64) -> String {
    let (value, unit) = match nanos {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = if value >= 100.0 || unit == "ns" { 0 } else { 1 + usize::from(value < 10.0) };
    format!("{value:.digits$} {unit}")
}

/// A number to the unit, with its thousands apart; below 10 with two digits more.
pub fn grouped(number: f64) -> String {
    if number < 10.0 && number.fract() != 0.0 {
        return format!("{number:.2}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (nanos, text) in [
            (0.0, "0 ns"),
            (850.0, "850 ns"),
            (1_234.0, "1.23 us"),
            (31_250.0, "31.2 us"),
            (312_400.0, "312 us"),
            (1_500_000.0, "1.50 ms"),
            (2_340_000_000.0, "2.34 s"),
        ] {
            assert_eq!(duration(nanos), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (0.5, "0.50"),
            (7.0, "7"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (1_234_567.8, "1,234,568"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
