//! Peers that are libraries: short scripts of ours call them.

use std::{ffi::OsStr, fs, path::Path};

use super::{lab::Lab, process::Usage};
use crate::failure::Failure;

/// A script: `--version` prints what it calls, and ends with an error where that is not installed.
pub struct Script {
    /// The library's name.
    pub name: &'static str,
    /// What runs the script.
    interpreter: &'static str,
    file: &'static str,
    text: &'static str,
}

/// Those that verify the mails of a folder, and print how many verify and the processor seconds it took.
pub const VERIFIERS: &[Script] = &[
    Script {
        name: "dkimpy",
        interpreter: "python3",
        file: "dkimpy.py",
        text: include_str!("scripts/dkimpy.py"),
    },
    Script {
        name: "Mail::DKIM",
        interpreter: "perl",
        file: "mail-dkim.pl",
        text: include_str!("scripts/mail-dkim.pl"),
    },
    Script {
        name: "libopendkim",
        interpreter: "python3",
        file: "libopendkim.py",
        text: include_str!("scripts/libopendkim.py"),
    },
];

/// Those that print the greatest common divisor of what a modulus divides.
pub const DIVISORS: &[Script] = &[Script {
    name: "gmpy2",
    interpreter: "python3",
    file: "gmpy2-divisor.py",
    text: include_str!("scripts/gmpy2.py"),
}];

impl Script {
    /// What it calls, as that names itself; `None` where it is not installed.
    pub fn version(&self, lab: &Lab) -> Option<String> {
        let path = lab.path(self.file);
        fs::write(&path, self.text).ok()?;
        let said = lab.command(self.interpreter.as_ref()).arg(path).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&said.stdout);
        let first = text.lines().next().filter(|_| said.status.success())?;
        Some(tamis_model::names::printable(first))
    }

    /// The command, as it is shown.
    pub fn command(&self, argument: &str) -> String {
        format!("{} {} {argument}", self.interpreter, self.file)
    }

    /// What it took and printed; `None` where the library is not installed.
    pub fn run(&self, lab: &Lab, argument: &Path) -> Result<Option<(Usage, String)>, Failure> {
        if self.version(lab).is_none() {
            return Ok(None);
        }
        let mut command = lab.command(OsStr::new(self.interpreter));
        command.arg(lab.path(self.file)).arg(argument);
        let shown = self.command(&argument.file_name().unwrap_or_default().to_string_lossy());
        let usage = lab.run(&mut command, &shown)?;
        Ok(Some((usage, lab.printed())))
    }
}
