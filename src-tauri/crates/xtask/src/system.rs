//! What the system must have: checked, installed where that may be done, else the exact line to type.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use crate::step::{Failure, Outcome, has, output, step};

/// One thing that is needed, how to see that it is there, and what each package manager calls it
/// (apt, dnf, pacman, zypper).
struct Need {
    seen: Seen,
    packages: [&'static str; 4],
}

enum Seen {
    Library(&'static str),
    Program(&'static str),
    File(&'static [&'static str]),
}

const BUILD: [Need; 5] = [
    Need {
        seen: Seen::Program("cc"),
        packages: ["build-essential", "gcc", "base-devel", "gcc"],
    },
    Need {
        seen: Seen::Program("pkg-config"),
        packages: ["pkg-config", "pkgconf-pkg-config", "pkgconf", "pkg-config"],
    },
    Need {
        seen: Seen::Library("webkit2gtk-4.1"),
        packages: [
            "libwebkit2gtk-4.1-dev",
            "webkit2gtk4.1-devel",
            "webkit2gtk-4.1",
            "webkit2gtk3-devel",
        ],
    },
    Need {
        seen: Seen::Library("gtk+-3.0"),
        packages: ["libgtk-3-dev", "gtk3-devel", "gtk3", "gtk3-devel"],
    },
    Need {
        seen: Seen::Program("git"),
        packages: ["git", "git", "git", "git"],
    },
];

const TEST: [Need; 7] = [
    // Its `import` takes the pictures of the virtual screen.
    Need {
        seen: Seen::Program("import"),
        packages: ["imagemagick", "ImageMagick", "imagemagick", "ImageMagick"],
    },
    Need {
        seen: Seen::Program("WebKitWebDriver"),
        packages: [
            "webkit2gtk-driver",
            "webkit2gtk4.1",
            "webkit2gtk-4.1",
            "webkit2gtk-4_1-webdriver",
        ],
    },
    Need {
        seen: Seen::Program("Xvfb"),
        packages: [
            "xvfb",
            "xorg-x11-server-Xvfb",
            "xorg-server-xvfb",
            "xorg-x11-server-Xvfb",
        ],
    },
    Need {
        seen: Seen::Program("dunst"),
        packages: ["dunst", "dunst", "dunst", "dunst"],
    },
    Need {
        seen: Seen::Program("dbus-daemon"),
        packages: ["dbus", "dbus-daemon", "dbus", "dbus-1"],
    },
    Need {
        seen: Seen::Program("chromedriver"),
        packages: ["chromium-driver", "chromedriver", "chromium", "chromedriver"],
    },
    Need {
        seen: Seen::File(&[
            "/usr/bin/chromium",
            "/usr/bin/chromium-browser",
            "/usr/bin/google-chrome",
        ]),
        packages: ["chromium", "chromium", "chromium", "chromium"],
    },
];

impl Need {
    fn is_there(&self) -> bool {
        match self.seen {
            Seen::Library(name) => output("pkg-config", &["--exists", name]).is_some(),
            Seen::Program(name) => has(name),
            Seen::File(paths) => paths.iter().any(|path| std::path::Path::new(path).exists()),
        }
    }

    fn name(&self) -> &'static str {
        match self.seen {
            Seen::Library(name) | Seen::Program(name) => name,
            Seen::File(paths) => paths[0],
        }
    }
}

/// What building and running needs.
pub(crate) fn for_building() -> Outcome {
    node()?;
    if cfg!(target_os = "linux") {
        install(&BUILD)
    } else {
        Ok(())
    }
}

/// What the tests need beside that.
pub(crate) fn for_testing() -> Outcome {
    if cfg!(target_os = "linux") {
        install(&TEST)
    } else {
        Ok(())
    }
}

fn node() -> Outcome {
    let cure = "install Node 20.19 or newer from https://nodejs.org or your package manager, then run this again";
    let Some(version) = output("node", &["--version"]) else {
        return Err(Failure::new("node was not found", cure));
    };
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if (major, minor) < (20, 19) {
        return Err(Failure::new(format!("node {version} is too old"), cure));
    }
    Ok(())
}

/// Program and arguments of each package manager, in the order of [`Need::packages`].
const MANAGERS: [(&str, &[&str]); 4] = [
    ("apt-get", &["install", "-y", "--no-install-recommends"]),
    ("dnf", &["install", "-y"]),
    ("pacman", &["-S", "--needed", "--noconfirm"]),
    ("zypper", &["install", "-y"]),
];

fn install(needs: &[Need]) -> Outcome {
    let missing: Vec<&Need> = needs.iter().filter(|need| !need.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|need| need.name()).collect::<Vec<_>>().join(", ");
    println!("missing on this system: {names}");
    let Some(manager) = MANAGERS.iter().position(|(program, _)| has(program)) else {
        return Err(Failure::new(
            format!("missing: {names}"),
            "no known package manager here; see https://tauri.app/start/prerequisites for this distribution",
        ));
    };
    let (program, arguments) = MANAGERS[manager];
    let packages: Vec<&str> = missing.iter().map(|need| need.packages[manager]).collect();
    let line = format!("{program} {} {}", arguments.join(" "), packages.join(" "));
    let root = output("id", &["-u"]).as_deref() == Some("0");
    if !root && !may_sudo() {
        return Err(Failure::new(format!("missing: {names}"), format!("run: sudo {line}")));
    }
    let command = || {
        if root {
            Command::new(program)
        } else {
            let mut sudo = Command::new("sudo");
            sudo.arg(program);
            sudo
        }
    };
    if program == "apt-get" {
        let mut update = command();
        step(
            "update the list of packages",
            update.arg("update").arg("-qq"),
            "check the network, then run this again",
        )?;
    }
    let mut command = command();
    command
        .args(arguments)
        .args(&packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    step(
        &format!("install {}", packages.join(" ")),
        &mut command,
        &format!("run it by hand: sudo {line}"),
    )?;
    let still: Vec<&str> = missing
        .iter()
        .filter(|need| !need.is_there())
        .map(|need| need.name())
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!("installed, and still missing: {}", still.join(", ")),
        format!("the packages may have other names on this distribution; tried: {line}"),
    ))
}

/// Without a password, or with someone at the terminal to type it.
fn may_sudo() -> bool {
    if !has("sudo") {
        return false;
    }
    let silent = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
    if silent.is_ok_and(|status| status.success()) {
        return true;
    }
    if !std::io::stdin().is_terminal() {
        return false;
    }
    println!("sudo asks for your password, to install packages:");
    Command::new("sudo")
        .arg("-v")
        .status()
        .is_ok_and(|status| status.success())
}
