//! A source enrols in the conformance suite by existing: every folder holds itself against it.

use std::path::Path;

#[test]
fn every_source_folder_holds_itself_against_the_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/crates/kopi-sources/src");
    let mut folders = 0;
    for entry in std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_dir())
    {
        folders += 1;
        assert!(
            calls_the_suite(&entry.path()),
            "{}: no test there calls conformance::run",
            entry.path().display()
        );
    }
    assert_eq!(folders, kopi_sources::all().len(), "folders and list differ");
}

fn calls_the_suite(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return calls_the_suite(&path);
        }
        path.extension().is_some_and(|ending| ending == "rs")
            && std::fs::read_to_string(&path).unwrap().contains("conformance::run(")
    })
}
