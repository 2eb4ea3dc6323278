//! Everything that a report says, as the JSON document has it: numbers carry their units in their names.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::bench::histogram::Summary;
use crate::cli::bench::load::LoadReport;
use crate::cli::bench::server::{Measured, MeasuredServer, ServerArgs};

/// The share of an asked rate that must be sent for it to count as held.
const HELD: f64 = 0.99;
/// The JSON document.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    pub(super) form: &'static str,
    pub(super) interrupted: bool,
    pub(super) servers: Vec<ServerDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_over_second: Option<Ratio>,
}

#[derive(Debug, Serialize)]
pub(super) struct ServerDocument<'a> {
    pub(super) url: &'a str,
    pub(super) mode: &'static str,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) rounds: usize,
    pub(super) warmup_s: f64,
    pub(super) elapsed_s: f64,
    pub(super) requests_sent: u64,
    pub(super) requests_answered: u64,
    pub(super) requests_failed: u64,
    pub(super) requests_unfinished: u64,
    pub(super) requests_unsent: u64,
    pub(super) throughput_per_s: f64,
    pub(super) rate: Option<Rate>,
    pub(super) failed_requests: FailedRequests,
    pub(super) first_failure: Option<String>,
    pub(super) answers_by_status: BTreeMap<String, u64>,
    pub(super) answers_by_status_class: BTreeMap<String, u64>,
    pub(super) answers_by_outcome: Option<BTreeMap<&'static str, u64>>,
    pub(super) requests_decided: u64,
    pub(super) undecided: Vec<Undecided>,
    pub(super) latency: Summary,
    pub(super) service_time: Summary,
    pub(super) generator: Generator,
}

/// Answers of one kind that are no decisions.
#[derive(Debug, Serialize)]
pub(super) struct Undecided {
    pub(super) status: u16,
    pub(super) outcome: Option<&'static str>,
    pub(super) reason: Option<Box<str>>,
    pub(super) requests: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct FailedRequests {
    pub(super) connect: u64,
    pub(super) timeout: u64,
    pub(super) closed: u64,
    pub(super) undecodable: u64,
}

/// How far an open loop got what it asked for.
#[derive(Debug, Serialize)]
pub(super) struct Rate {
    pub(super) asked_per_s: f64,
    pub(super) achieved_per_s: f64,
    pub(super) held: bool,
    pub(super) generator_lateness: Summary,
}

#[derive(Debug, Serialize)]
pub(super) struct Generator {
    pub(super) cpu_ns_per_request: Option<f64>,
    pub(super) cpu_busy_ratio: Option<f64>,
}

/// The first server's figures divided by the second's.
#[derive(Debug, Serialize)]
pub(super) struct Ratio {
    pub(super) throughput: f64,
    pub(super) latency_p50: f64,
    pub(super) latency_p99: f64,
    pub(super) by_round: Vec<RoundRatio>,
}

#[derive(Debug, Serialize)]
pub(super) struct RoundRatio {
    pub(super) throughput: f64,
    pub(super) latency_p50: f64,
    pub(super) latency_p99: f64,
}

/// Everything that a report says.
pub(super) fn document(measured: &Measured) -> Document<'_> {
    Document {
        form: "server",
        interrupted: measured.interrupted,
        servers: measured.servers.iter().map(|server| describe(server, &measured.args)).collect(),
        first_over_second: ratio(measured),
    }
}

fn describe<'a>(server: &'a MeasuredServer, args: &ServerArgs) -> ServerDocument<'a> {
    let report = server.total();
    let tally = &report.tally;
    let failures = &tally.failures;
    let classes = (1..=9).map(|class| (class, tally.of_class(class)));
    let outcomes: BTreeMap<_, _> = tally
        .by_outcome()
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| (outcome.name(), count))
        .collect();
    ServerDocument {
        url: &server.url,
        mode: if args.rate.is_some() { "open_loop" } else { "closed_loop" },
        connections: args.connections,
        threads: args.threads.min(args.connections),
        rounds: server.rounds.len(),
        warmup_s: args.warmup.0.as_secs_f64(),
        elapsed_s: report.elapsed.as_secs_f64(),
        requests_sent: tally.sent,
        requests_answered: tally.answered(),
        requests_failed: failures.total(),
        requests_unfinished: tally.unfinished(),
        requests_unsent: tally.unsent,
        throughput_per_s: report.throughput(),
        rate: args.rate.map(|asked| rate(asked, &report)),
        failed_requests: FailedRequests {
            connect: failures.connect,
            timeout: failures.timeout,
            closed: failures.closed,
            undecodable: failures.undecodable,
        },
        first_failure: failures.first.clone(),
        answers_by_status: tally
            .statuses
            .iter()
            .map(|(status, count)| (status.to_string(), *count))
            .collect(),
        answers_by_status_class: classes
            .filter(|(_, count)| *count > 0)
            .map(|(class, count)| (format!("{class}xx"), count))
            .collect(),
        answers_by_outcome: (!outcomes.is_empty()).then_some(outcomes),
        requests_decided: tally.decided(),
        undecided: tally
            .undecided
            .iter()
            .map(|((status, outcome), kind)| Undecided {
                status: *status,
                outcome: *outcome,
                reason: kind.reason.clone(),
                requests: kind.count,
            })
            .collect(),
        latency: tally.latency.summary(),
        service_time: tally.service.summary(),
        generator: generator(&report),
    }
}

fn rate(asked: f64, report: &LoadReport) -> Rate {
    let due = report.tally.sent + report.tally.unsent;
    let share = if due == 0 { 0.0 } else { report.tally.sent as f64 / due as f64 };
    Rate {
        asked_per_s: asked,
        achieved_per_s: asked * share,
        held: share >= HELD,
        generator_lateness: report.tally.lateness.summary(),
    }
}

fn generator(report: &LoadReport) -> Generator {
    let cost = &report.generator;
    Generator {
        cpu_ns_per_request: cost.cpu.map(|cpu| cpu.as_nanos() as f64 / cost.requests.max(1) as f64),
        cpu_busy_ratio: cost
            .cpu
            .map(|cpu| cpu.as_secs_f64() / cost.wall.as_secs_f64().max(f64::MIN_POSITIVE)),
    }
}

fn ratio(measured: &Measured) -> Option<Ratio> {
    let [first, second] = measured.servers.as_slice() else { return None };
    let total = round_ratio(&first.total(), &second.total());
    let rounds = first.rounds.iter().zip(&second.rounds);
    Some(Ratio {
        throughput: total.throughput,
        latency_p50: total.latency_p50,
        latency_p99: total.latency_p99,
        by_round: rounds.map(|(first, second)| round_ratio(first, second)).collect(),
    })
}

fn round_ratio(first: &LoadReport, second: &LoadReport) -> RoundRatio {
    let (one, two) = (first.tally.latency.summary(), second.tally.latency.summary());
    RoundRatio {
        throughput: first.throughput() / second.throughput(),
        latency_p50: one.p50_ns as f64 / two.p50_ns as f64,
        latency_p99: one.p99_ns as f64 / two.p99_ns as f64,
    }
}
