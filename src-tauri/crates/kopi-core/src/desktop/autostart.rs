//! Whether Kopi starts with the session: an XDG autostart entry, a launch agent, or a value of the Run key.
//!
//! Refuses: services of the system; this is one user's session.

use std::path::{Path, PathBuf};

/// What starts with the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autostart {
    /// Where the entry lies (on Windows: unused).
    place: PathBuf,
    /// Program, whole path.
    program: PathBuf,
    /// Its arguments.
    arguments: Vec<String>,
}

/// Why it could not be switched.
#[derive(Debug, thiserror::Error)]
pub enum AutostartError {
    /// The entry could not be written or removed.
    #[error("switch autostart at {place}")]
    Io {
        /// Where.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The registry said no.
    #[error("switch autostart in the registry: {0}")]
    Registry(String),
}

impl Autostart {
    /// `home` is the user's configuration folder on Linux (`~/.config`), the home folder on macOS.
    pub fn new(home: &Path, program: PathBuf, arguments: &[&str]) -> Self {
        let place = if cfg!(target_os = "macos") {
            home.join("Library/LaunchAgents/dev.kopi.desktop.plist")
        } else {
            home.join("autostart/kopi.desktop")
        };
        Self {
            place,
            program,
            arguments: arguments.iter().map(ToString::to_string).collect(),
        }
    }

    /// It is on.
    pub fn is_on(&self) -> bool {
        if cfg!(windows) {
            return registry(&["query", RUN_KEY, "/v", "Kopi"]).is_ok();
        }
        // A desktop's own settings switch an entry off by one of these lines instead of removing it.
        std::fs::read_to_string(&self.place).is_ok_and(|text| {
            !text
                .lines()
                .any(|line| matches!(line.trim(), "Hidden=true" | "X-GNOME-Autostart-enabled=false"))
        })
    }

    /// Switches it.
    ///
    /// # Errors
    /// When the entry cannot be written or removed.
    pub fn switch(&self, on: bool) -> Result<(), AutostartError> {
        if cfg!(windows) {
            let command = self.command_line();
            return if on {
                registry(&["add", RUN_KEY, "/v", "Kopi", "/t", "REG_SZ", "/d", &command, "/f"])
            } else if self.is_on() {
                registry(&["delete", RUN_KEY, "/v", "Kopi", "/f"])
            } else {
                Ok(())
            };
        }
        let failed = |source| AutostartError::Io {
            place: self.place.display().to_string(),
            source,
        };
        if !on {
            return match std::fs::remove_file(&self.place) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        }
        if let Some(folder) = self.place.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let entry = if cfg!(target_os = "macos") {
            self.plist()
        } else {
            self.desktop_entry()
        };
        std::fs::write(&self.place, entry).map_err(failed)
    }

    fn desktop_entry(&self) -> String {
        format!(
            "[Desktop Entry]\nType=Application\nName=Kopi\nComment=Builds and deploys in the tray\n\
             Comment[zh_CN]=托盘里的构建与部署\nExec={}\nIcon=kopi\nTerminal=false\n\
             X-GNOME-Autostart-enabled=true\n",
            self.command_line()
        )
    }

    fn plist(&self) -> String {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let arguments: Vec<String> = std::iter::once(self.program.to_string_lossy().into_owned())
            .chain(self.arguments.iter().cloned())
            .map(|argument| format!("    <string>{}</string>\n", escape(&argument)))
            .collect();
        let arguments = arguments.concat();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n  \
             <key>Label</key>\n  <string>dev.kopi.desktop</string>\n  <key>ProgramArguments</key>\n  <array>\n\
             {arguments}  </array>\n  <key>RunAtLoad</key>\n  <true/>\n</dict>\n</plist>\n"
        )
    }

    /// Quoted as desktop entries and the Run key both read it.
    fn command_line(&self) -> String {
        let quote = |text: &str| {
            let plain = text
                .chars()
                .all(|character| character.is_alphanumeric() || "-_./:\\".contains(character));
            if plain && !cfg!(windows) {
                return text.to_owned();
            }
            let text = if cfg!(windows) {
                text.to_owned()
            } else {
                // Within the quotes of an Exec line these four are escaped, and a percent sign is doubled.
                text.chars()
                    .flat_map(|character| match character {
                        '"' | '`' | '$' | '\\' => vec!['\\', character],
                        '%' => vec!['%', '%'],
                        _ => vec![character],
                    })
                    .collect()
            };
            format!("\"{text}\"")
        };
        std::iter::once(quote(&self.program.to_string_lossy()))
            .chain(self.arguments.iter().cloned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

const RUN_KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";

/// The registry by the system's own tool: no unsafe code, no library for one value.
fn registry(arguments: &[&str]) -> Result<(), AutostartError> {
    let output = std::process::Command::new("reg.exe")
        .args(arguments)
        .output()
        .map_err(|error| AutostartError::Registry(error.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(AutostartError::Registry(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn on_and_off_again() {
        let home = tempfile::tempdir().unwrap();
        let autostart = Autostart::new(home.path(), "/opt/my kopi/kopi".into(), &["agent", "--hidden"]);
        assert!(!autostart.is_on());
        autostart.switch(true).unwrap();
        assert!(autostart.is_on());
        let entry = std::fs::read_to_string(home.path().join("autostart/kopi.desktop")).unwrap();
        assert!(
            entry.contains("\nExec=\"/opt/my kopi/kopi\" agent --hidden\n"),
            "{entry}"
        );
        autostart.switch(false).unwrap();
        assert!(!autostart.is_on());
        autostart.switch(false).unwrap();
    }

    #[test]
    fn switched_off_by_the_desktop_counts_as_off() {
        let home = tempfile::tempdir().unwrap();
        let autostart = Autostart::new(home.path(), "/usr/bin/kopi".into(), &["agent"]);
        autostart.switch(true).unwrap();
        let place = home.path().join("autostart/kopi.desktop");
        let entry = std::fs::read_to_string(&place).unwrap();
        std::fs::write(&place, entry + "Hidden=true\n").unwrap();
        assert!(!autostart.is_on());
        autostart.switch(true).unwrap();
        assert!(autostart.is_on());
    }
}
