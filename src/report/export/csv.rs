//! One row for each step, as a spreadsheet opens it: RFC 4180, CRLF, UTF-8.

use crate::report::escape::vis;
use crate::report::json::read::moment;
use crate::report::json::shape::{Finding, Time, UNKNOWN_ZONE};
use crate::report::record::telling;
use crate::report::timeline::csv_cell;

/// The header, without its line end: version 1. New columns are added at the end only.
pub const HEADER: &str = "incident,number,analytic,severity,confidence,verdict,step,role,time,zone,\
                          recorded_time,offset_s,remote,host,what,references";

/// The rows of all steps.
pub fn render(findings: &[&Finding]) -> String {
    let mut out = format!("{HEADER}\r\n");
    for finding in findings {
        for step in &finding.steps {
            let refs: Vec<String> = step.refs.iter().map(|r| r.text()).collect();
            let cells = [
                finding.short_id.clone(),
                finding.number.to_string(),
                finding.analytic.id.0.clone(),
                finding.severity.0.to_string(),
                finding.confidence.score.to_string(),
                finding.verdict.to_string(),
                step.n.to_string(),
                step.role.to_string(),
                time(&step.time),
                if step.is_local() { UNKNOWN_ZONE } else { "UTC" }.to_owned(),
                time(&step.recorded_time),
                seconds(step.offset_applied_ns),
                finding.remote().to_owned(),
                finding.host().to_owned(),
                telling::what(step),
                refs.join(" "),
            ];
            // A negative number is a number, not a formula.
            let row: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(at, cell)| {
                    if at == 11 {
                        cell.clone()
                    } else {
                        csv_cell(&vis(cell))
                    }
                })
                .collect();
            out.push_str(&row.join(","));
            out.push_str("\r\n");
        }
    }
    out
}

/// Nanoseconds as seconds, to the last digit.
fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// `2026-03-14 02:11:07.104233`: what spreadsheets take for a time.
fn time(time: &Time) -> String {
    let at = moment(time);
    format!("{} {}", at.date(), at.clock(6))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_offset_keeps_its_last_digit() {
        let told = [-94_608_000_000_000_001, -1, 0, 1_500_000_000].map(super::seconds);
        let exact = [
            "-94608000.000000001",
            "-0.000000001",
            "0.000000000",
            "1.500000000",
        ];
        assert_eq!(told, exact);
    }
}
