//! The arguments, as clap reads them. Values that need more than a look at themselves are checked
//! in `request`.

use super::values;
use casewire::analytics::Profile;
use casewire::context::containment::Stated;
use casewire::model::finding::Severity;
use casewire::model::{Span, Timestamp};
use casewire::report::redact::Sort;
use casewire::report::text::inventory::Section;
use casewire::report::zone::Zone;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

const BEFORE: &str = "\
Reads PCAP, PCAPNG and Windows EVTX after an incident, merges them into one
time-sorted stream, replays the analytics, and prints what it found, what it
could not see, and where in the evidence each statement comes from.
Evidence is only ever read. Nothing is sent anywhere.";

const AFTER: &str = "\
Examples:
  casewire inventory evidence/             what do I have?
  casewire analyze evidence/               print incidents
  casewire analyze evidence/ -f json       the whole report, for programs
  casewire analyze evidence/ -o case/      and keep a case folder
  casewire report case/ --format html -o report.html
  casewire verify case/                    is everything what it was?
  casewire timeline evidence/ --from 2026-03-14T02:00Z --to 2026-03-14T03:00Z
  casewire analytics show AN0842           what it looks for, and its settings
  casewire config check casewire.toml      what is wrong in it, line by line

Exit status: 0 done; 1 incidents at or above --fail-on; 2 wrong usage;
3 some evidence could not be read; 4 something is not what it was;
5 could not finish; 130 interrupted.";

/// Replay host-and-network analytics over captures and event logs
#[derive(Debug, Parser)]
#[command(name = "casewire", version, long_about = BEFORE, after_help = AFTER, max_term_width = 80,
    disable_help_subcommand = true, infer_subcommands = false)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// No progress and no notes; errors and results only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More detail on standard error
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// auto, always or never; auto means no colour in pipes, with NO_COLOR or TERM=dumb
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub color: When,
    /// Columns of text output, from 60 [default: the terminal, or 80]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(60..=500))]
    pub width: Option<u16>,
    /// Settings file; see 'casewire config check' [env: CASEWIRE_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List evidence: hosts, time ranges, gaps, and coverage per analytic
    Inventory(Inventory),
    /// Run the analytics over evidence and print incidents
    Analyze(Analyze),
    /// Print the merged, time-sorted event stream, without judging it: connections, questions and
    /// answers of the captures, and the records of kinds that analytics use
    Timeline(Timeline),
    /// Build or show what is normal, from evidence of a quiet time
    Baseline {
        #[command(subcommand)]
        what: BaselineCommand,
    },
    /// List the analytics, or explain one
    Analytics(Analytics),
    /// Check a settings file and say what it sets
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
    /// Render a case folder for people: text, Markdown or HTML
    Report(Report),
    /// Convert a case folder for other tools
    Export(Export),
    /// Show an incident, or the raw packet or record behind a reference
    Show(Show),
    /// Re-hash evidence and results; optionally run again and compare
    Verify(Verify),
    /// Print the JSON Schema of the report, or of an inventory
    Schema {
        /// report or inventory
        #[arg(
            value_name = "OF",
            default_value = "report",
            hide_possible_values = true,
            hide_default_value = true
        )]
        of: SchemaOf,
    },
    /// Print a shell completion script
    Completions {
        /// bash, elvish, fish, powershell or zsh
        #[arg(value_name = "SHELL", hide_possible_values = true)]
        shell: clap_complete::Shell,
    },
    /// Print a manual page (roff), of casewire or of one command
    Man {
        /// The command
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
}

/// How times are printed.
#[derive(Debug, Args)]
pub struct Times {
    /// Zone of a second time beside UTC: local, Europe/Paris, +02:00. JSON, CSV and the files of a
    /// case are UTC whatever it says, but for local times of unknown zone, which they mark
    #[arg(long, value_name = "ZONE", value_parser = values::zone, default_value = "UTC",
        allow_hyphen_values = true, help_heading = "Output")]
    pub tz: Zone,
}

/// Which evidence, and which part of it.
#[derive(Debug, Args)]
pub struct Evidence {
    /// Files or folders; folders are searched for captures and event logs by content, not by name
    #[arg(required = true, value_name = "EVIDENCE")]
    pub evidence: Vec<PathBuf>,
    /// Earliest event, e.g. 2026-03-14T02:00Z; a time without zone is UTC
    #[arg(long, value_name = "TIME", value_parser = values::time, help_heading = "Time and hosts")]
    pub from: Option<Timestamp>,
    /// Latest event; a day alone is its midnight
    #[arg(long, value_name = "TIME", value_parser = values::time, help_heading = "Time and hosts")]
    pub to: Option<Timestamp>,
    /// Say which address a host had (repeatable)
    #[arg(long = "host", value_name = "NAME=ADDR", value_parser = values::host,
        help_heading = "Time and hosts")]
    pub hosts: Vec<(String, IpAddr)>,
    /// measured (the default), as-recorded, or HOST=±s: how far the clock of a host is ahead, e.g.
    /// FS01.corp.example=-1.8s (repeatable)
    #[arg(long, value_name = "CLOCK", value_parser = values::clock, help_heading = "Time and hosts")]
    pub clock: Vec<values::Clock>,
    /// Assumed clock error where none can be measured
    #[arg(long, value_name = "DUR", value_parser = values::span, default_value = "2s",
        help_heading = "Time and hosts")]
    pub max_skew: Span,
    /// Password of encrypted archives; it is seen in the list of processes (repeatable)
    #[arg(long = "password", value_name = "TEXT", help_heading = "Limits")]
    pub passwords: Vec<String>,
    /// When something was contained, for one host or for all: AN1376 looks at what came after
    /// (repeatable)
    #[arg(long, value_name = "TIME[,HOST]", value_parser = values::containment,
        help_heading = "Time and hosts")]
    pub containment: Vec<Stated>,
    /// What is usual, made with 'casewire baseline build' (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Background")]
    pub baseline: Vec<PathBuf>,
    /// Hosts that exist: an address, network or name a line, with the day last seen (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Background")]
    pub known_hosts: Vec<PathBuf>,
    /// Stop at the first piece of evidence that cannot be read
    #[arg(long, help_heading = "Limits")]
    pub strict: bool,
    /// Threads; the result does not depend on it [default: cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
        help_heading = "Limits")]
    pub threads: Option<u16>,
    /// Events held for sorting, e.g. 512MiB; more is written to temporary files. All of a run takes about
    /// 200 MiB with the default
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "64MiB",
        help_heading = "Limits")]
    pub memory: u64,
    /// Do not hash the evidence: for benchmarks, not for case work
    #[arg(long, hide_short_help = true, help_heading = "Limits")]
    pub no_hash: bool,
}

#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Count what is usual in evidence and write it to a file
    Build {
        /// Where to write; never among the evidence
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Replace an existing file; never evidence
        #[arg(long)]
        overwrite: bool,
        #[command(flatten)]
        evidence: Box<Evidence>,
    },
    /// Say what a baseline rests on and holds
    Show {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// text, or json (the file itself, checked)
        #[arg(
            short,
            long,
            value_name = "FORMAT",
            default_value = "text",
            hide_possible_values = true,
            help_heading = "Output"
        )]
        format: BaselineFormat,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BaselineFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct Analyze {
    /// Only this analytic (repeatable; see 'casewire analytics')
    #[arg(
        short,
        long = "analytic",
        value_name = "ID",
        help_heading = "What to run"
    )]
    pub analytics: Vec<String>,
    /// default, strict (fewer incidents, surer ones) or sensitive (more) [default: that of the
    /// settings file]
    #[arg(short, long, value_name = "NAME", value_parser = values::profile, help_heading = "What to run")]
    pub profile: Option<Profile>,
    /// Change one setting, e.g. AN0842.MinSequenceLen=4 (repeatable)
    #[arg(long = "set", value_name = "ID.NAME=VALUE", value_parser = values::setting,
        help_heading = "What to run")]
    pub settings: Vec<(String, String, String)>,
    /// text, json (the whole report) or jsonl (one incident a line)
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub format: ReportFormat,
    /// Case folder to create: report.json, timeline.jsonl, run.json, SHA256SUMS. It must not lie in
    /// a folder of evidence, nor exist (but see --overwrite)
    #[arg(short, long, value_name = "CASE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace an output of an earlier run: a case folder that holds nothing else. It stays until
    /// the new one is whole
    #[arg(long, requires = "output", help_heading = "Output")]
    pub overwrite: bool,
    /// Print incidents of at least this severity: info, low, medium, high, critical (text only;
    /// JSON always holds all of them)
    #[arg(long, value_name = "S", value_parser = values::severity, default_value = "info",
        help_heading = "Output")]
    pub min_severity: Severity,
    /// Exit 1 if an incident is this severe or more [default: never]
    #[arg(long, value_name = "S", value_parser = values::severity, help_heading = "Output")]
    pub fail_on: Option<Severity>,
    /// Case number put into results
    #[arg(long, value_name = "ID", help_heading = "Case")]
    pub case: Option<String>,
    /// Examiner put into results
    #[arg(long, value_name = "NAME", help_heading = "Case")]
    pub examiner: Option<String>,
    #[command(flatten)]
    pub times: Times,
    #[command(flatten)]
    pub evidence: Evidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Text,
    Json,
    Jsonl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Report,
    Inventory,
}

#[derive(Debug, Args)]
pub struct Inventory {
    /// Report silences longer than this
    #[arg(long, value_name = "DUR", value_parser = values::silence, default_value = "30m",
        help_heading = "Output")]
    pub gaps: Span,
    /// files, hosts, channels, clocks, gaps or coverage (repeatable) [default: all]
    #[arg(long = "section", value_name = "NAME", value_parser = values::section,
        help_heading = "Output")]
    pub sections: Vec<Section>,
    /// text or json
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub format: InventoryFormat,
    #[command(flatten)]
    pub times: Times,
    #[command(flatten)]
    pub evidence: Evidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InventoryFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct Timeline {
    /// text, jsonl or csv
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub format: TimelineFormat,
    /// Stop after N events, and say so
    #[arg(short = 'n', long, value_name = "N", help_heading = "Output")]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub times: Times,
    #[command(flatten)]
    pub evidence: Evidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimelineFormat {
    Text,
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Analytics {
    #[command(subcommand)]
    pub what: Option<AnalyticsCommand>,
}

#[derive(Debug, Subcommand)]
pub enum AnalyticsCommand {
    /// Ids, versions, names and techniques
    List,
    /// Logic in words and steps, settings, needs, blind spots, harmless causes
    Show {
        /// Id of the analytic, e.g. AN0842
        #[arg(value_name = "ID")]
        id: String,
        /// text, or md (Markdown)
        #[arg(
            short,
            long,
            value_name = "FORMAT",
            default_value = "text",
            hide_possible_values = true,
            help_heading = "Output"
        )]
        format: PageFormat,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Name every mistake with its line; for a good file, say what it sets
    Check {
        /// The settings file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    Text,
    Md,
}

/// A case folder, and where its evidence is.
#[derive(Debug, Args)]
pub struct Case {
    /// Case folder, made by 'casewire analyze -o'
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Where the evidence is now, if it was moved
    #[arg(long, value_name = "DIR")]
    pub evidence: Option<PathBuf>,
    /// Password of encrypted archives; it is seen in the list of processes (repeatable)
    #[arg(long = "password", value_name = "TEXT")]
    pub passwords: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Report {
    /// Case folder, made by 'casewire analyze -o'
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// text, md or html
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: PeopleFormat,
    /// File to create [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an output of an earlier run: never evidence or a file of the case
    #[arg(long, requires = "output")]
    pub overwrite: bool,
    /// Only this incident (repeatable)
    #[arg(long = "incident", value_name = "ID")]
    pub incidents: Vec<String>,
    /// Only incidents of at least this severity; the report states what was left out
    #[arg(long, value_name = "S", value_parser = values::severity, default_value = "info")]
    pub min_severity: Severity,
    #[command(flatten)]
    pub times: Times,
    /// hosts, users, addresses (separated by commas): replaced by labels, the same label for the
    /// same thing throughout. Read the copy before you hand it on
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::sort)]
    pub redact: Vec<Sort>,
    /// With --redact, a file to create that says what each label stands for: to be kept apart
    #[arg(long, value_name = "FILE", requires = "redact")]
    pub labels: Option<PathBuf>,
    /// Incidents shown in full in HTML, the most severe first, however large the page becomes
    /// [default: 200, or as many as fit into 5 MB]
    #[arg(long, value_name = "N")]
    pub detail: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PeopleFormat {
    Text,
    Md,
    Html,
}

const FORMATS: &str = "\
Formats (* loses information, and says what on standard error):
  json         the record, as in report.json
  jsonl *      one incident a line
  csv *        one row a step, safe to open in a spreadsheet whether it takes
               commas, semicolons or tabs for columns
  timesketch * JSON lines for Timesketch
  case *       CASE/UCO 1.5 JSON-LD, for case files and exchange
  stix *       STIX 2.1 bundle: observed data, sightings, grouping
  navigator *  ATT&CK Navigator layer of techniques with incidents
  evidence *   a new folder (-o) with the packets (pcapng), records (XML) and
               lines of texts that incidents cite";

#[derive(Debug, Args)]
#[command(after_help = FORMATS)]
pub struct Export {
    #[command(flatten)]
    pub case: Case,
    /// json, jsonl, csv, timesketch, case, stix, navigator or evidence
    #[arg(long = "as", value_name = "FORMAT", hide_possible_values = true)]
    pub format: ExportFormat,
    /// File to create, for evidence a folder [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an output of an earlier run: never evidence or a file of the case
    #[arg(long, requires = "output")]
    pub overwrite: bool,
    /// Only this incident (repeatable)
    #[arg(long = "incident", value_name = "ID")]
    pub incidents: Vec<String>,
    /// Timesketch: all merged events as well, not only steps
    #[arg(long)]
    pub with_events: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Json,
    Jsonl,
    Csv,
    Timesketch,
    Case,
    Stix,
    Navigator,
    Evidence,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    pub case: Case,
    /// Incidents and references: F30746097, E1:p18822, E3:r884, E5:line12, 'E7!Security.evtx:r884'
    #[arg(value_name = "REF", required_unless_present = "suppressed")]
    pub refs: Vec<String>,
    #[command(flatten)]
    pub times: Times,
    /// The incidents that rules suppress, with the rules
    #[arg(long)]
    pub suppressed: bool,
    /// text, json, xml (records) or hex
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: RawFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RawFormat {
    Text,
    Json,
    Xml,
    Hex,
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub case: Case,
    /// Run again with the recorded settings, and compare report and timeline byte for byte
    #[arg(long)]
    pub rerun: bool,
    /// Compare with another case folder: what changed
    #[arg(long, value_name = "CASE")]
    pub against: Option<PathBuf>,
    /// Threads of --rerun; the result does not depend on it [default: cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}
