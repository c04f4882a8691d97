//! What is said of several hosts, files or logs in the same words is said once, with all it is about.
//!
//! JSON, Markdown and HTML keep such lines apart.

use super::page::Page;
use crate::report::escape::fit;
use crate::report::words::counted;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// How wide the name before a line may be.
const WIDEST: usize = 20;
/// Names behind a line that is about several.
const LISTED: usize = 12;

/// A sentence, and all it is about.
struct Line {
    about: Vec<String>,
    text: String,
}

/// Lines of the same words become one, where the first of them stood.
#[derive(Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
    at: HashMap<String, usize>,
}

impl Lines {
    /// Adds what is said of `about`.
    pub(super) fn add(&mut self, about: String, text: String) {
        match self.at.entry(text) {
            Entry::Occupied(held) => {
                let line = &mut self.lines[*held.get()];
                if line.about.last() != Some(&about) {
                    line.about.push(about);
                }
            }
            Entry::Vacant(free) => {
                self.lines.push(Line {
                    about: vec![about],
                    text: free.key().clone(),
                });
                free.insert(self.lines.len() - 1);
            }
        }
    }

    /// Writes the first `most` of them, and how many there are beyond.
    pub(super) fn write(&self, most: usize, page: &mut Page) {
        for line in self.lines.iter().take(most) {
            match line.about.as_slice() {
                [one] => page.hanging(2, &format!("{}  ", fit(one, WIDEST)), &line.text),
                several => {
                    let text = format!("{} ({})", line.text, listed(several));
                    page.hanging(2, "several  ", &text);
                }
            }
        }
        let more = self.lines.len().saturating_sub(most);
        if more > 0 {
            page.text(
                2,
                &format!("{}: see -f json", counted(more as u64, "more line")),
            );
        }
    }
}

/// `a, b`, and how many there are beyond the first twelve.
pub(super) fn listed(names: &[String]) -> String {
    let mut text = names[..names.len().min(LISTED)].join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::Style;

    fn written(lines: &[(&str, &str)], most: usize) -> String {
        let mut held = Lines::default();
        for (about, text) in lines {
            held.add((*about).to_owned(), (*text).to_owned());
        }
        let mut page = Page::new(&Style::default());
        held.write(most, &mut page);
        page.finish()
    }

    #[test]
    fn what_is_said_of_several_is_said_once_where_the_first_stood() {
        let said = [("A", "deaf"), ("B", "blind"), ("C", "deaf"), ("C", "deaf")];
        assert_eq!(written(&said, 9), "  several  deaf (A, C)\n  B  blind\n");
        assert_eq!(
            written(&said, 1),
            "  several  deaf (A, C)\n  1 more line: see -f json\n"
        );
    }

    #[test]
    fn of_many_names_the_first_are_told_and_the_others_counted() {
        let names: Vec<String> = (1..=14).map(|n| format!("H{n}")).collect();
        assert!(listed(&names).ends_with("H11, H12 and 2 more"));
        assert_eq!(listed(&names[..1]), "H1");
    }

    #[test]
    fn twelve_names_are_all_told() {
        let names: Vec<String> = (1..=LISTED).map(|n| format!("H{n}")).collect();
        assert!(listed(&names).ends_with("H11, H12"));
        let more = [names.as_slice(), &["H13".to_owned()]].concat();
        assert!(listed(&more).ends_with("H12 and 1 more"));
    }
}
