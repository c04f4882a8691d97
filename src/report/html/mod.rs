//! A report as one HTML file that needs nothing but itself.
//!
//! It reads, filters and prints from disk, without network and without JavaScript (which only adds
//! the filter and the zoom). The content security policy names style and script by hash, so nothing
//! else runs or is fetched, whatever evidence holds; and evidence text reaches the page through
//! `escape::html` alone. No generation time: the same report gives the same bytes.

mod coverage;
mod findings;
mod parts;
mod picture;
#[cfg(test)]
mod tests;

use crate::report::escape::html;
use crate::report::json::shape::{Finding, Report};
use crate::report::record::{Chosen, telling};
use crate::report::zone::Zone;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Findings with a row of their own at most; the others are counted.
pub const ROWS: usize = 2_000;

/// Bytes that browsers still open at once: what does not fit is folded, and that is said.
pub const BYTES: usize = 5_000_000;

/// Bytes of that which details leave to the rows.
const OF_ROWS: usize = 1_200_000;

/// Findings shown in full where nothing else is asked for.
const DETAILS: usize = 200;

/// How a report becomes HTML.
#[derive(Clone, Debug)]
pub struct Style {
    /// Findings shown in full, the most severe first; the others have a row. `None` for 200, or for
    /// fewer if they would not fit into `BYTES`.
    pub detail: Option<usize>,
    /// Which findings.
    pub chosen: Chosen,
    /// The zone printed beside UTC.
    pub zone: Zone,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            detail: None,
            chosen: Chosen::default(),
            zone: Zone::UTC,
        }
    }
}

/// The page.
pub fn render(report: &Report, style: &Style) -> String {
    let chosen = telling::chosen(report, &style.chosen);
    let (open, suppressed): (Vec<&Finding>, Vec<&Finding>) =
        chosen.iter().copied().partition(|f| f.suppressed.is_none());
    let zone = &style.zone;
    let title = html(&telling::title(report));
    let mut page = String::with_capacity(1 << 16);
    page.push_str(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\n",
    );
    page.push_str(&format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'\">\n<meta name=\"referrer\" content=\"no-referrer\">\
         <title>{title}</title><style>{STYLE}</style></head>\n",
        source_hash(STYLE),
        source_hash(SCRIPT)
    ));
    page.push_str(&format!(
        "<body><a class=\"skip\" href=\"#findings\">Skip to findings</a>\n<header><h1>{title}</h1>\
         <p class=\"mut\">{}</p><div class=\"box\"><b>{}</b> See <a href=\"#coverage\">Coverage</a>.\
         </div></header><main>\n<h2 id=\"notes\">Notes</h2>\n",
        html(&telling::facts(report, zone)),
        html(&telling::result(report))
    ));
    parts::notes(report, zone, &mut page);
    parts::evidence(report, zone, &mut page);
    coverage::coverage(report, &mut page);
    parts::gaps(report, zone, &mut page);
    parts::conflicts(report, &mut page);
    page.push_str("<h2 id=\"overview\">Overview</h2>\n");
    picture::overview(report, &open, &mut page);
    page.push_str("<h2 id=\"findings\">Findings</h2>\n");
    let shown = telling::shown(report, chosen.len(), &style.chosen);
    page.push_str(&format!("<p>{}</p>\n", html(&shown)));
    let rest = rest(report, &suppressed, zone);
    let taken = page.len() + rest.len();
    let room = match style.detail {
        Some(_) => usize::MAX,
        None => BYTES.saturating_sub(taken + OF_ROWS),
    };
    let most = style.detail.unwrap_or(DETAILS);
    let details = findings::details(report, &open[..open.len().min(most)], zone, room);
    let in_full: usize = details.iter().map(String::len).sum();
    let room = match style.detail {
        Some(_) => usize::MAX,
        None => BYTES.saturating_sub(taken + in_full),
    };
    findings::rows(&open, details.len(), room, zone, &mut page);
    page.extend(details);
    page.push_str(&rest);
    page
}

/// What follows the findings.
fn rest(report: &Report, suppressed: &[&Finding], zone: &Zone) -> String {
    let mut page = String::new();
    parts::near_misses(report, zone, &mut page);
    parts::suppressed(suppressed, &mut page);
    parts::rules(report, &mut page);
    parts::problems(report, &mut page);
    parts::advice(report, &mut page);
    parts::settings(report, &mut page);
    parts::limits(&mut page);
    parts::verify(&mut page);
    page.push_str(&format!("</main><script>{SCRIPT}</script></body></html>\n"));
    page
}

/// SHA-256 of a style or script in base64, as a content security policy names it.
fn source_hash(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(44);
    for group in Sha256::digest(text.as_bytes()).chunks(3) {
        let bits = group
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for at in 0..4 {
            if at <= group.len() {
                out.push(char::from(DIGITS[bits >> (18 - 6 * at) & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}
