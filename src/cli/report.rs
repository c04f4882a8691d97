//! `casewire report`: a case folder for people.

use super::args::{Global, PeopleFormat, Report};
use super::exit::{Exit, Wrong};
use super::output;
use casewire::casefile::{CaseFolder, folder};
use casewire::report::json::shape;
use casewire::report::record::{self, Chosen, telling};
use casewire::report::{html, text};
use std::path::{Path, PathBuf};

/// Runs it.
pub fn run(args: &Report, global: &Global) -> anyhow::Result<Exit> {
    let case = CaseFolder::open(&args.case)?;
    let chosen = Chosen {
        ids: incidents(&case.report, &args.incidents)?,
        min_severity: args.min_severity,
    };
    let page = match args.format {
        PeopleFormat::Text => {
            let style = text::Style {
                width: output::width(global),
                color: output::color(global) && args.output.is_none(),
                ..text::Style::default()
            };
            record::text(&telling::whole(&case.report, &chosen), &style)
        }
        PeopleFormat::Md => record::markdown(&telling::whole(&case.report, &chosen)),
        PeopleFormat::Html => html::render(
            &case.report,
            &html::Style {
                detail: args.detail,
                chosen,
            },
        ),
    };
    write(args.output.as_deref(), &case, page.as_bytes())?;
    Ok(Exit::Done)
}

/// The incidents that are named, as they were named; an unknown one is refused.
pub fn incidents(report: &shape::Report, named: &[String]) -> Result<Vec<String>, Wrong> {
    for id in named {
        if finding(report, id).is_none() {
            return Err(Wrong(format!(
                "the case has no incident {id}; 'casewire report CASE' lists them"
            )));
        }
    }
    Ok(named.to_vec())
}

/// The incident of that id, short or whole.
pub fn finding<'r>(report: &'r shape::Report, id: &str) -> Option<&'r shape::Finding> {
    report
        .findings
        .iter()
        .find(|f| f.id.eq_ignore_ascii_case(id) || f.short_id.eq_ignore_ascii_case(id))
}

/// To standard output, or into a new file that lies in no folder of evidence.
pub fn write(target: Option<&Path>, case: &CaseFolder, bytes: &[u8]) -> anyhow::Result<()> {
    match target {
        None => output::print(bytes),
        Some(target) => Ok(folder::new_file(target, &inputs(case), bytes)?),
    }
}

/// Where the evidence of the case was given from.
pub fn inputs(case: &CaseFolder) -> Vec<PathBuf> {
    let inputs = case.run.iter().flat_map(|run| &run.inputs);
    inputs.map(PathBuf::from).collect()
}
