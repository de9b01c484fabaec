//! `screenshots`: pictures of the views of the real window on the demo office, both themes and languages.

use crate::step::{Outcome, cargo, step};
use crate::{page, system};

/// Takes them into a folder (`target/screenshots`).
pub(crate) fn screenshots(arguments: &[String]) -> Outcome {
    system::for_building()?;
    system::for_testing()?;
    page::build()?;
    let folder = crate::step::target().join("screenshots");
    let folder = arguments.first().map_or(folder, std::path::PathBuf::from);
    step(
        "build kopi",
        cargo().args(["build", "--quiet", "--workspace", "--bins"]),
        "see the first error above",
    )?;
    let mut take = cargo();
    take.args([
        "test",
        "--workspace",
        "--quiet",
        "--test",
        "window",
        "--",
        "--ignored",
        "--exact",
        "screenshots",
    ]);
    take.env("KOPI_SCREENSHOTS", &folder);
    step(
        "take the pictures",
        &mut take,
        "pictures and logs of a failed run are named in its message",
    )?;
    println!("in {}", folder.display());
    Ok(())
}
