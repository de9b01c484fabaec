//! Writes `ui/src/wire/` and fails when what is checked in is stale. `KOPI_UPDATE=1 cargo test -p kopi-model` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use ts_rs::{Config, TS};

use crate::wire::{Frame, Request};

fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/src/wire")
}

fn texts(dir: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return BTreeMap::new();
    };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            Some((name, std::fs::read_to_string(entry.path()).ok()?))
        })
        .collect()
}

#[test]
fn typescript_is_in_step_with_the_wire_types() {
    let fresh = std::env::temp_dir().join(format!("kopi-wire-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&fresh);
    let config = Config::new().with_large_int("number").with_out_dir(&fresh);
    Frame::export_all(&config).unwrap();
    Request::export_all(&config).unwrap();
    let mut wanted = texts(&fresh);
    std::fs::remove_dir_all(&fresh).unwrap();
    let mut index = String::from("// Generated from kopi-model by its tests. Do not edit.\n");
    for name in wanted.keys() {
        let name = name.trim_end_matches(".ts");
        writeln!(index, "export type {{ {name} }} from './{name}';").unwrap();
    }
    wanted.insert("index.ts".into(), index);

    if std::env::var_os("KOPI_UPDATE").is_some() {
        let _ = std::fs::remove_dir_all(checked_in());
        std::fs::create_dir_all(checked_in()).unwrap();
        for (name, text) in &wanted {
            std::fs::write(checked_in().join(name), text).unwrap();
        }
    }
    let found = texts(&checked_in());
    let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&wanted),
        names(&found),
        "run KOPI_UPDATE=1 cargo test -p kopi-model"
    );
    for (name, text) in wanted {
        assert_eq!(
            text, found[&name],
            "{name} is stale: run KOPI_UPDATE=1 cargo test -p kopi-model"
        );
    }
}
