//! `casewire show`: an incident, or the packet, record or line behind a reference.

use super::args::{Global, RawFormat, Show};
use super::exit::{Exit, Wrong, say};
use super::output;
use super::report::{finding, opened};
use casewire::capture::packet::RawPacket;
use casewire::capture::wake::blank_passwords;
use casewire::casefile::lines::RawLine;
use casewire::casefile::places::Places;
use casewire::casefile::raw;
use casewire::eventlog::raw::RawRecord;
use casewire::model::hex::hex;
use casewire::report::escape::{vis, xml};
use casewire::report::json;
use casewire::report::json::shape::{Finding, Report};
use casewire::report::record::{self, telling};
use casewire::report::text::Style;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What is said where a password was.
const BLANKED: &str = "the bytes behind a magic packet pattern, a password as it seems, are shown as zeros; they are in the evidence";

/// Runs it.
pub fn run(args: &Show, global: &Global) -> anyhow::Result<Exit> {
    let (case, mut exit) = opened(&args.case.case)?;
    let style = Style {
        width: output::width(global),
        color: output::color(global),
        zone: args.times.tz.clone(),
        ..Style::default()
    };
    let mut wanted = BTreeSet::new();
    for (evidence, _) in args.refs.iter().filter_map(|r| raw::parse(r)) {
        wanted.insert(raw::resolve(&case, &evidence)?);
    }
    let places = Places::of(
        &case,
        args.case.evidence.as_deref(),
        &args.case.passwords,
        Some(&wanted),
    );
    let mut page = String::new();
    if args.suppressed {
        page.push_str(&record::text(&telling::suppressed(&case.report), &style));
    }
    for reference in &args.refs {
        if let Some(finding) = finding(&case.report, reference) {
            incident(&case.report, finding, args.format, &style, &mut page)?;
            continue;
        }
        let Some((evidence, wanted)) = raw::parse(reference) else {
            return Err(Wrong(format!(
                "{reference} is neither an incident of the case nor a reference; write F30746097, E1:p18822, E3:r884, E5:line12 or E7!Security.evtx:r884"
            ))
            .into());
        };
        let evidence = raw::resolve(&case, &evidence)?;
        let found = raw::fetch(&case, &places, &evidence, &wanted)?;
        if !found.unchanged {
            say(&format!(
                "warning: {evidence} ({}) is not the file this case rests on; see 'casewire verify'",
                found.path
            ));
            exit = Exit::Changed;
        }
        if found.count() == 0 {
            let nothing = format!("{evidence} ({}) has no {reference}", found.path);
            if found.unchanged {
                return Err(Wrong(nothing).into());
            }
            say(&format!("warning: {nothing}"));
        }
        if !found.all {
            say(&format!(
                "warning: {reference}: there are more records of this number or line than are shown"
            ));
        }
        let item = reference.rsplit_once(':').map_or("", |(_, item)| item);
        let cited = cited_by(&case.report, &format!("{evidence}:{item}"));
        for packet in &found.packets {
            self::packet(&evidence, packet, &cited, args.format, &mut page)?;
        }
        for record in &found.records {
            self::record(&evidence, record, &cited, args.format, &mut page)?;
        }
        for line in found.lines() {
            self::line(&evidence, line, &cited, args.format, &mut page)?;
        }
    }
    output::print(page.as_bytes())?;
    Ok(exit)
}

fn incident(
    report: &Report,
    finding: &Finding,
    format: RawFormat,
    style: &Style,
    page: &mut String,
) -> anyhow::Result<()> {
    match format {
        RawFormat::Text => page.push_str(&record::text(
            &telling::one(report, finding, &style.zone),
            style,
        )),
        RawFormat::Json => page.push_str(&String::from_utf8(json::pretty(finding)?)?),
        RawFormat::Xml | RawFormat::Hex => {
            return Err(Wrong("an incident is shown as text or json".to_owned()).into());
        }
    }
    Ok(())
}

/// `AN0842 F30746097 step 1 (probe)` for each step that cites it.
fn cited_by(report: &Report, reference: &str) -> Vec<String> {
    let mut cited = Vec::new();
    for finding in &report.findings {
        for step in &finding.steps {
            if step
                .refs
                .iter()
                .any(|r| r.text().eq_ignore_ascii_case(reference))
            {
                cited.push(format!(
                    "{} {} step {} ({}): {}",
                    finding.analytic.id.0, finding.short_id, step.n, step.role, step.summary
                ));
            }
        }
    }
    cited
}

fn packet(
    evidence: &str,
    packet: &RawPacket,
    cited: &[String],
    format: RawFormat,
    page: &mut String,
) -> anyhow::Result<()> {
    let mut bytes = packet.bytes.clone();
    let blanked = blank_passwords(&mut bytes);
    if blanked > 0 && format != RawFormat::Text {
        say(&format!("note: {evidence}:p{}: {BLANKED}", packet.number));
    }
    match format {
        RawFormat::Xml => {
            return Err(Wrong("a packet is shown as text, json or hex".to_owned()).into());
        }
        RawFormat::Json => writeln!(
            page,
            "{}",
            json::line(&json!({
                "reference": format!("{evidence}:p{}", packet.number),
                "offset": packet.offset,
                "time": packet.time.rfc3339(),
                "interface": packet.interface,
                "link_type": packet.link,
                "cut": packet.cut,
                "bytes": hex(&bytes),
                "password_bytes_blanked": blanked,
                "cited_by": cited,
            }))?
        )?,
        RawFormat::Text => {
            writeln!(
                page,
                "{evidence}:p{}  {} {} UTC  interface {}, link type {}, {} bytes captured{}, at byte {}",
                packet.number,
                packet.time.date(),
                packet.time.clock(9),
                packet.interface,
                packet.link,
                packet.bytes.len(),
                if packet.cut { " of more" } else { "" },
                packet.offset
            )?;
            citations(cited, page)?;
            if blanked > 0 {
                writeln!(page, "  {BLANKED}")?;
            }
            dump(&bytes, page)?;
        }
        RawFormat::Hex => dump(&bytes, page)?,
    }
    Ok(())
}

fn record(
    evidence: &str,
    record: &RawRecord,
    cited: &[String],
    format: RawFormat,
    page: &mut String,
) -> anyhow::Result<()> {
    const NONE: &str = "this record cannot be written as XML; see it with --format hex";
    match format {
        RawFormat::Xml => match &record.xml {
            Some(text) => writeln!(page, "{}", xml(text).trim_end())?,
            None => say(&format!("warning: {evidence}:r{}: {NONE}", record.number)),
        },
        RawFormat::Json => writeln!(
            page,
            "{}",
            json::line(&json!({
                "reference": format!("{evidence}:r{}", record.number),
                "offset": record.offset,
                "xml": record.xml,
                "bytes": hex(&record.bytes),
                "cited_by": cited,
            }))?
        )?,
        RawFormat::Text => {
            writeln!(
                page,
                "{evidence}:r{}  {} bytes at byte {}",
                record.number,
                record.bytes.len(),
                record.offset
            )?;
            citations(cited, page)?;
            match &record.xml {
                Some(text) => writeln!(page, "{}", xml(text).trim_end())?,
                None => writeln!(page, "  {NONE}")?,
            }
        }
        RawFormat::Hex => dump(&record.bytes, page)?,
    }
    Ok(())
}

fn line(
    evidence: &str,
    line: &RawLine,
    cited: &[String],
    format: RawFormat,
    page: &mut String,
) -> anyhow::Result<()> {
    let reference = format!("{evidence}:line{}", line.line);
    let Some(bytes) = &line.bytes else {
        say(&format!(
            "warning: {reference}: the line is too long or cut off, and not shown; see the file itself at byte {}",
            line.offset
        ));
        return Ok(());
    };
    let text = String::from_utf8_lossy(bytes);
    match format {
        RawFormat::Xml => writeln!(page, "{}", xml(&text).trim_end())?,
        RawFormat::Json => writeln!(
            page,
            "{}",
            json::line(&json!({
                "reference": reference,
                "offset": line.offset,
                "text": text,
                "bytes": hex(bytes),
                "cited_by": cited,
            }))?
        )?,
        RawFormat::Text => {
            writeln!(
                page,
                "{reference}  {} bytes at byte {} of the text",
                bytes.len(),
                line.offset
            )?;
            citations(cited, page)?;
            for line in text.lines() {
                // A tab between columns harms no terminal, and is easier to read than its name.
                let cells: Vec<String> = line.split('\t').map(vis).collect();
                writeln!(page, "{}", cells.join("\t"))?;
            }
        }
        RawFormat::Hex => dump(bytes, page)?,
    }
    Ok(())
}

fn citations(cited: &[String], page: &mut String) -> anyhow::Result<()> {
    for line in cited {
        writeln!(page, "  cited by {}", vis(line))?;
    }
    Ok(())
}

/// Sixteen bytes a line, as hexadecimal and as printable ASCII.
fn dump(bytes: &[u8], page: &mut String) -> anyhow::Result<()> {
    for (line, at) in bytes.chunks(16).zip((0..).step_by(16)) {
        let each: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = line
            .iter()
            .map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '.',
            })
            .collect();
        writeln!(page, "{at:08x}  {:<47}  |{text}|", each.join(" "))?;
    }
    Ok(())
}
