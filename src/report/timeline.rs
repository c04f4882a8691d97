//! One event as one line: text for people, CSV for tables; `json::event_line` is for programs.

use crate::model::{Event, Labels, Timestamp, What};
use crate::report::escape::vis;
use crate::report::json::shape::UNKNOWN_ZONE;
use crate::report::words::{Form, log_label, name, sentence};
use crate::report::zone::Zone;

/// The header line of the CSV form, without its line end. The columns are version 1: new ones are
/// added at the end only.
pub const CSV_HEADER: &str = "time,recorded_time,reference,source,summary,zone";

/// `2026-03-14 02:11:07.104233  E1:p18822      packets  sentence`, on one line whatever its length;
/// a zone that stands beside UTC follows it, or the word that it is no UTC.
pub fn text_line(event: &Event, labels: &Labels, zone: &Zone) -> String {
    let beside = match labels.is_local(event) {
        true => Some("  local, of an unknown zone".to_owned()),
        false => zone.time(event.time, 6).map(|time| format!("  {time}")),
    };
    vis(&format!(
        "{} {}{}  {:<14} {}  {}",
        event.time.date(),
        event.time.clock(6),
        beside.unwrap_or_default(),
        labels.place(&event.provenance),
        source(event),
        sentence(event, Form::Long)
    ))
}

/// One row of CSV (RFC 4180), without its line end. Cells that a spreadsheet would take for
/// a formula get a leading apostrophe, which changes them: the JSON form is exact.
pub fn csv_line(event: &Event, labels: &Labels) -> String {
    let local = labels.is_local(event);
    // `Z` would say UTC.
    let time = |time: Timestamp| match local {
        true => time.rfc3339().trim_end_matches('Z').to_owned(),
        false => time.rfc3339(),
    };
    let cells = [
        time(event.time),
        time(event.recorded),
        labels.place(&event.provenance),
        source(event),
        sentence(event, Form::Long),
        if local { UNKNOWN_ZONE } else { "UTC" }.to_owned(),
    ];
    cells.map(|cell| csv_cell(&vis(&cell))).join(",")
}

/// `packets`, or the host and log: `FS01.corp.example Sec 5154`.
fn source(event: &Event) -> String {
    match &event.what {
        What::Attempt(_)
        | What::Wake(_)
        | What::Neighbour(_)
        | What::Solicitation(_)
        | What::Resolution(_) => "packets".to_owned(),
        What::Host(host) => {
            format!(
                "{} {}",
                name(&host.computer),
                log_label(event).unwrap_or_default()
            )
        }
    }
}

/// Signs with which a formula begins. Some spreadsheets take the wide forms of the signs for the
/// signs (OWASP, CSV injection).
const FORMULA: [char; 10] = [
    '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// A cell that is no formula, quoted where it must be. Spreadsheets of many countries separate cells
/// by `;`, some by a tab, whatever the quotes: what follows such a sign is guarded as a cell's start is.
pub(in crate::report) fn csv_cell(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let begins = rest.trim_start_matches([' ', '"']);
        if begins.starts_with(FORMULA) {
            let lead = rest.len() - begins.len();
            guarded.push_str(&rest[..lead]);
            guarded.push('\'');
            rest = begins;
        }
        match rest.char_indices().find(|(_, c)| matches!(c, ';' | '\t')) {
            Some((at, _)) => {
                guarded.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
            }
            None => break,
        }
    }
    guarded.push_str(rest);
    let text = guarded;
    if text.contains([',', ';', '"', '\n', '\r', '\t']) || text.starts_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn an_event_is_one_line_whatever_its_text() {
        for text in samples::HOSTILE {
            let case = samples::with_text_everywhere(text);
            let event = &case.incidents[0].finding.steps[3].event;
            for line in [
                text_line(event, &case.labels, &Zone::UTC),
                csv_line(event, &case.labels),
            ] {
                assert!(!line.chars().any(char::is_control), "{line:?}");
                assert!(
                    line.contains("2026-03-14") && line.contains("E4:r104101"),
                    "{line}"
                );
            }
            let json = crate::report::json::event_line(event, &case.labels).unwrap();
            assert!(!json.contains('\n'));
        }
    }

    #[test]
    fn a_line_tells_when_where_and_what() {
        let case = samples::case();
        let event = &case.incidents[0].finding.steps[5].event;
        assert_eq!(
            text_line(event, &case.labels, &Zone::UTC),
            "2026-03-14 02:11:09.902020  E2:r30088      FS01.corp.example Sec 5154  \
             svchelper.exe (5980) listens on 0.0.0.0:4444/tcp"
        );
        assert_eq!(
            text_line(
                event,
                &case.labels,
                &Zone::parse("America/St_Johns").unwrap()
            ),
            "2026-03-14 02:11:09.902020  2026-03-13 23:41:09.902020 -02:30  E2:r30088      \
             FS01.corp.example Sec 5154  svchelper.exe (5980) listens on 0.0.0.0:4444/tcp"
        );
        assert_eq!(
            csv_line(event, &case.labels),
            "2026-03-14T02:11:09.902020900Z,2026-03-14T02:11:11.744020900Z,E2:r30088,\
             FS01.corp.example Sec 5154,svchelper.exe (5980) listens on 0.0.0.0:4444/tcp,UTC"
        );
    }

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_commas() {
        assert_eq!(csv_cell("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\"");
        assert_eq!(csv_cell("\u{ff1d}1+1"), "'\u{ff1d}1+1");
        assert_eq!(csv_cell("plain"), "plain");
    }

    #[test]
    fn no_cell_is_a_formula_where_semicolons_or_tabs_separate() {
        assert_eq!(csv_cell("x;=HYPERLINK(1);y"), "\"x;'=HYPERLINK(1);y\"");
        assert_eq!(csv_cell("a; -1;b"), "\"a; '-1;b\"");
        assert_eq!(csv_cell("a\t+1"), "\"a\t'+1\"");
        assert_eq!(csv_cell("a;\"=1\""), "\"a;\"\"'=1\"\"\"");
        assert_eq!(csv_cell("a; b"), "\"a; b\"");
    }
}
