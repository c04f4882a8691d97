//! `lab write STORY.md DIRECTORY`: writes the evidence of a story.

use casewire_lab::story::Story;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, page, directory] = arguments.as_slice() else {
        eprintln!("usage: lab write STORY.md DIRECTORY");
        return ExitCode::from(2);
    };
    if verb != "write" {
        eprintln!("unknown command \"{verb}\"; usage: lab write STORY.md DIRECTORY");
        return ExitCode::from(2);
    }
    match write(page, Path::new(directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn write(page: &str, directory: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(page).map_err(|e| format!("cannot read {page}: {e}"))?;
    let story = Story::parse(&text).map_err(|e| format!("{page}, {e}"))?;
    let evidence = story.play();
    evidence
        .write_to(directory)
        .map_err(|e| format!("cannot write into {}: {e}", directory.display()))?;
    println!("{}", evidence.title);
    for (name, bytes) in &evidence.files {
        let items = evidence.cites.iter().filter(|c| c.file == *name).count();
        println!("  {name}: {items} items, {} bytes", bytes.len());
    }
    Ok(())
}
