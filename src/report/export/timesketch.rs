//! JSON lines for Timesketch: `message`, `datetime` and `timestamp_desc` are what it needs, the
//! rest becomes fields. Each field has one type in every line, or OpenSearch would refuse some.

use crate::report::json;
use crate::report::json::read::moment;
use crate::report::json::refs::Ref;
use crate::report::json::shape::{Finding, Time, TimelineEvent, UNKNOWN_ZONE};
use crate::report::record::telling;
use serde::Serialize;

#[derive(Serialize)]
struct Line {
    message: String,
    datetime: String,
    timestamp: i64,
    timestamp_desc: &'static str,
    data_type: &'static str,
    tag: Vec<String>,
    analytic: String,
    severity: String,
    finding_id: String,
    step: u64,
    role: String,
    recorded_time: String,
    offset_applied_ns: i64,
    /// `UTC`, or `unknown`: then `datetime` and `timestamp` are local times as written.
    time_zone: &'static str,
    refs: Vec<String>,
}

/// One line for each step of each finding.
///
/// # Errors
/// None that a report can cause; the signature is serde's.
pub fn steps(findings: &[&Finding]) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    for finding in findings {
        let mut tag = vec![finding.analytic.id.0.clone()];
        let techniques = finding.attack.iter().filter(|a| a.kind == "technique");
        tag.extend(techniques.map(|a| a.id.clone()));
        tag.push(finding.severity.0.to_string());
        for step in &finding.steps {
            let line = Line {
                message: format!(
                    "[{} {} step {}/{} {}] {}",
                    finding.analytic.id.0,
                    finding.short_id,
                    step.n,
                    finding.steps.len(),
                    step.role,
                    telling::what(step)
                ),
                datetime: datetime(&step.time),
                timestamp: moment(&step.time).0.div_euclid(1_000),
                timestamp_desc: described(step.refs.first()),
                data_type: "casewire:finding:step",
                tag: tag.clone(),
                analytic: finding.analytic.id.0.clone(),
                severity: finding.severity.0.to_string(),
                finding_id: finding.id.clone(),
                step: step.n,
                role: step.role.to_string(),
                recorded_time: step.recorded_time.0.clone(),
                offset_applied_ns: step.offset_applied_ns,
                time_zone: zone(step.is_local()),
                refs: step.refs.iter().map(Ref::text).collect(),
            };
            out.extend_from_slice(json::line(&line)?.as_bytes());
            out.push(b'\n');
        }
    }
    Ok(out)
}

/// The line for one event of the timeline, without its line feed.
///
/// # Errors
/// As `steps`.
pub fn event(event: &TimelineEvent) -> Result<String, serde_json::Error> {
    json::line(&Line {
        message: event.summary.clone(),
        datetime: datetime(&event.time),
        timestamp: moment(&event.time).0.div_euclid(1_000),
        timestamp_desc: described(event.refs.first()),
        data_type: "casewire:event",
        tag: Vec::new(),
        analytic: String::new(),
        severity: String::new(),
        finding_id: String::new(),
        step: 0,
        role: String::new(),
        recorded_time: event.recorded_time.0.clone(),
        offset_applied_ns: event.offset_applied_ns,
        time_zone: zone(event.is_local()),
        refs: event.refs.iter().map(Ref::text).collect(),
    })
}

fn zone(local: bool) -> &'static str {
    if local { UNKNOWN_ZONE } else { "UTC" }
}

fn datetime(time: &Time) -> String {
    time.0.replace('Z', "+00:00")
}

fn described(reference: Option<&Ref>) -> &'static str {
    match reference {
        Some(reference) if reference.computer().is_some() => "Event logged",
        // A line of a log of connections: nobody kept its packets.
        Some(Ref::Line(_)) => "Connection begun",
        _ => "Packet captured",
    }
}
