//! The walls of the house (design § 4): who may depend on whom, who may name what, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All files below a folder, generated and installed ones left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let skipped = [
        "target",
        "node_modules",
        "dist",
        "paraglide",
        "wire",
        "gen",
        "fixtures",
        "snapshots",
    ];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if path.is_dir() {
            if !skipped.contains(&name.as_str()) {
                found.extend(files(&path));
            }
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    files(&root().join(folder))
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted))
        })
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Normal dependencies (not those of tests) of each of our crates on others of ours and on the named ones.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let names = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn crates_depend_only_as_the_design_says() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("kopi-model", &[][..]),
        ("kopi-feed", &["kopi-model"]),
        ("kopi-sources", &["kopi-model", "kopi-feed"]),
        ("kopi-store", &["kopi-model"]),
        ("kopi-notify", &["kopi-model"]),
        ("kopi-core", &["kopi-model", "kopi-feed", "kopi-store", "kopi-notify"]),
        ("kopi-office", &["kopi-model", "kopi-feed", "kopi-sources"]),
        (
            "kopi-cli",
            &[
                "kopi-model",
                "kopi-feed",
                "kopi-sources",
                "kopi-store",
                "kopi-notify",
                "kopi-core",
                "kopi-office",
            ],
        ),
        (
            "kopi-desktop",
            &[
                "kopi-model",
                "kopi-feed",
                "kopi-sources",
                "kopi-store",
                "kopi-notify",
                "kopi-core",
                "kopi-office",
            ],
        ),
        ("xtask", &[]),
        ("kopi-tests", &[]),
    ]);
    let found = dependencies();
    let ours: BTreeSet<&str> = allowed.keys().copied().collect();
    assert_eq!(
        found.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        ours,
        "a new crate needs its rule here"
    );
    for (name, dependencies) in &found {
        for dependency in dependencies
            .iter()
            .filter(|dependency| ours.contains(dependency.as_str()))
        {
            assert!(
                allowed[name.as_str()].contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
    assert!(
        found["xtask"].is_empty(),
        "xtask builds in seconds: the standard library only"
    );
}

#[test]
fn only_its_owner_names_a_library() {
    let owners: [(&str, &[&str]); 9] = [
        ("tauri", &["kopi-desktop"]),
        ("bollard", &["kopi-sources"]),
        ("sqlx", &["kopi-store"]),
        ("notify-rust", &["kopi-notify"]),
        ("reqwest", &["kopi-feed"]),
        ("ksni", &["kopi-cli"]),
        ("keyring", &["kopi-core"]),
        ("clap", &["kopi-cli", "kopi-office"]),
        (
            "tokio",
            &[
                "kopi-feed",
                "kopi-sources",
                "kopi-store",
                "kopi-notify",
                "kopi-core",
                "kopi-office",
                "kopi-cli",
                "kopi-desktop",
            ],
        ),
    ];
    for (name, dependencies) in dependencies() {
        for (library, owners) in &owners {
            if dependencies.contains(*library) {
                assert!(owners.contains(&name.as_str()), "{name} must not name {library}");
            }
        }
    }
}

#[test]
fn a_source_never_names_another_and_every_folder_is_in_the_list() {
    let folder = root().join("src-tauri/crates/kopi-sources/src");
    let names: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().join("mod.rs").exists() && entry.path().join("icon.svg").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let listed: BTreeSet<String> = kopi_sources::all().iter().map(|kind| kind.word.to_owned()).collect();
    assert_eq!(names, listed);
    for (file, text) in sources("src-tauri/crates/kopi-sources/src", &["rs"]) {
        let Some(own) = names.iter().find(|name| file.contains(&format!("/src/{name}/"))) else {
            continue;
        };
        for other in names.iter().filter(|name| *name != own) {
            assert!(
                !text.contains(&format!("crate::{other}")),
                "{file} names the source {other}"
            );
        }
    }
}

#[test]
fn the_engine_and_the_page_know_kinds_not_sources() {
    let names: Vec<&str> = kopi_sources::all().iter().map(|kind| kind.word).collect();
    let quoted = |text: &str, name: &str| text.contains(&format!("\"{name}\"")) || text.contains(&format!("'{name}'"));
    for (file, text) in sources("src-tauri/crates/kopi-core/src/engine", &["rs"]) {
        let text = text.split("#[cfg(test)]").next().unwrap();
        for name in &names {
            assert!(
                file.contains("tests") || !quoted(text, name),
                "{file} names the source {name}"
            );
        }
    }
    for (file, text) in sources("ui/src", &["ts", "svelte"]) {
        if file.contains(".test.") || file.contains("/fixture") || file.contains("/testing/") {
            continue;
        }
        for name in &names {
            assert!(!quoted(&text, name), "{file} names the source {name}");
        }
    }
}

#[test]
fn only_the_tauri_host_imports_tauri_and_tiers_look_down() {
    for (file, text) in sources("ui/src", &["ts", "svelte"]) {
        if file.contains(".test.") {
            continue;
        }
        let imports = || {
            text.lines()
                .filter(|line| line.contains(" from '") || line.contains(" from \"") || line.contains("import("))
        };
        if file != "ui/src/host/tauri.ts" {
            assert!(
                !imports().any(|line| line.contains("@tauri-apps")),
                "{file} imports Tauri"
            );
        }
        let upwards: &[&str] = match file.split('/').nth(2).unwrap_or_default() {
            "kit" => &["/kinds/", "/views/", "/host/"],
            "kinds" => &["/views/"],
            "live" => &["/kinds/", "/views/", "/kit/"],
            "wire" => &["/kinds/", "/views/", "/kit/", "/live/", "/host/"],
            _ => &[],
        };
        for line in imports() {
            assert!(
                !upwards.iter().any(|tier| line.contains(tier)),
                "{file} looks up: {line}"
            );
        }
    }
}

#[test]
fn files_stay_small_and_say_what_they_are_for() {
    for folder in ["src-tauri", "tests", "ui/src"] {
        for (file, text) in sources(folder, &["rs", "ts", "svelte"]) {
            let lines = text.lines().count();
            // The story of the page's tests is data: it is as long as the company is large.
            let is_data = file.starts_with("ui/src/testing/");
            assert!(is_data || lines <= 600, "{file} has {lines} lines");
            if Path::new(&file).extension().is_some_and(|ending| ending == "rs") {
                assert!(
                    text.starts_with("//!") || text.starts_with("#!["),
                    "{file} does not say what it is for"
                );
            }
        }
    }
}

#[test]
fn the_top_level_holds_what_the_design_names() {
    let named = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "icons",
        "src-tauri",
        "tests",
        "ui",
    ];
    let output = Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output()
        .unwrap();
    let tracked: BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split('/').next().unwrap().to_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert!(!tracked.is_empty(), "git knows no file here");
    for name in tracked {
        assert!(
            named.contains(&name.as_str()),
            "{name} does not belong at the top level"
        );
    }
}

#[test]
fn inside_the_core_the_arrows_go_one_way() {
    let layers = ["engine", "actions", "api", "socket"];
    for (level, layer) in layers.iter().enumerate() {
        for (file, text) in sources(&format!("src-tauri/crates/kopi-core/src/{layer}"), &["rs"]) {
            for above in &layers[level + 1..] {
                assert!(
                    file.contains("tests") || !text.contains(&format!("crate::{above}")),
                    "{file} uses {above}, which stands above it"
                );
            }
        }
    }
}
