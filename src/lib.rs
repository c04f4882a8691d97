//! casewire reads packet captures and Windows event logs in parallel, merges them into one
//! time-sorted stream, replays analytics over it and reports incident timelines in which every step
//! leads to a packet number or an event record.
//!
//! The modules, bottom-up; each may use those above it in this list, never those below (a test
//! holds them to it). The command line is the binary's and uses all of them.

// The words every module uses.
pub mod model;

// What we were given: files, kinds, custody, problems.
pub mod evidence;

// Captures → connection attempts and signals.
pub mod capture;

// Event logs → host events.
pub mod eventlog;

// Time order: runs, spill, merge.
pub mod stream;

// What the whole case says: hosts, clocks, coverage.
pub mod context;

// All evidence read at once, into the stream and the context.
pub mod reading;

// What is looked for: the contract, the shared parts, one folder each.
pub mod analytics;

// The settings file: how to judge, what is known, what the network is.
pub mod config;

// Every event passes every analytic.
pub mod replay;

// Findings → incidents, coverage, verdicts.
pub mod case;

// The case as text, JSON, Markdown and HTML, and in the forms of other tools.
pub mod report;

// The folder a run leaves behind: written, verified, and what its references lead to.
pub mod casefile;

// From a folder of evidence to a case, on one page.
pub mod investigate;
