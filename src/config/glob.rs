//! Names with `*` (any run of characters) and `?` (one character), upper and lower case the same.

use std::fmt;

/// A pattern for whole names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob {
    written: String,
    pattern: Vec<char>,
}

impl Glob {
    /// The pattern as written.
    pub fn new(written: &str) -> Self {
        Self {
            written: written.to_owned(),
            pattern: written.to_lowercase().chars().collect(),
        }
    }

    /// True if all of `name` fits. Takes at most the product of both lengths, whatever the names.
    pub fn fits(&self, name: &str) -> bool {
        let name: Vec<char> = name.to_lowercase().chars().collect();
        let (mut p, mut n) = (0, 0);
        // Where the last `*` was, and how much of the name it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match self.pattern.get(p) {
                Some('*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        n = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        self.pattern[p..].iter().all(|c| *c == '*')
    }

    /// True if every name fits.
    pub fn is_everything(&self) -> bool {
        self.pattern.contains(&'*') && self.pattern.iter().all(|c| *c == '*')
    }

    /// True if the pattern names a place in a folder, not a bare file name.
    pub fn is_path(&self) -> bool {
        self.pattern.contains(&'\\') || self.pattern.contains(&'/')
    }

    /// True if there is a dot in it: a host name in full.
    pub fn is_dotted(&self) -> bool {
        self.pattern.contains(&'.')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_names_without_case() {
        for (pattern, name, fits) in [
            ("ccmexec.exe", "CcmExec.EXE", true),
            ("ccmexec.exe", "CcmExec.exe2", false),
            ("ws*", "WS01", true),
            ("ws*", "FWS01", false),
            ("*.corp.example", "a.b.corp.example", true),
            ("ws?1", "WS01", true),
            ("ws?1", "WS1", false),
            ("*a*b*c", "xxaxxbxxbc", true),
            ("*a*b*c", "xxaxxbxxbcd", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("Ä*", "äbc", true),
        ] {
            assert_eq!(Glob::new(pattern).fits(name), fits, "{pattern} {name}");
        }
        assert!(Glob::new("**").is_everything());
        assert!(!Glob::new("").is_everything());
    }

    #[test]
    fn many_stars_against_a_long_name_come_to_an_end() {
        let pattern = Glob::new(&"*a".repeat(200));
        assert!(!pattern.fits(&"a".repeat(199)));
        assert!(pattern.fits(&"a".repeat(5_000)));
    }
}
