//! A plan for humans.

use std::fmt::Write as _;

use xtask::files::size;
use xtask::ui::foreign::foreign;

use super::{Action, LayerPlan, Plan, RegionPlan, Work};
use xtask::ui::counted;

/// The plan, a region at a time, and what it adds up to.
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    for zip in &plan.layers {
        let _ = writeln!(
            text,
            "{} = {} {}, {}, sha256 {}\n  {}\n  for {}",
            zip.name,
            zip.version,
            zip.arch,
            size(zip.size),
            zip.sha256,
            zip.description,
            zip.runtimes.join(", ")
        );
    }
    text.push('\n');
    for region in &plan.regions {
        render_region(&mut text, region);
    }
    let _ = writeln!(text, "\n{}", summary(plan));
    text
}

fn render_region(text: &mut String, region: &RegionPlan) {
    let name = &region.region;
    match &region.work {
        Work::Layers(layers) => {
            for layer in layers {
                for line in lines(layer) {
                    let _ = writeln!(text, "{name:16} {:24} {line}", layer.name);
                }
            }
        }
        Work::NotEnabled(reason) => {
            let _ = writeln!(text, "{name:16} passed over: {reason}");
        }
        Work::Failed(reason) => {
            let _ = writeln!(text, "{name:16} failed: {reason}");
        }
    }
}

/// What is to be done about a layer, a line each.
fn lines(layer: &LayerPlan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(version) = &layer.present {
        lines.push(format!("is there as version {}", version.number));
    }
    lines.extend(layer.actions.iter().map(|action| match action {
        Action::Create => "create a version".to_owned(),
        Action::Permit(audience) => format!("share with {audience}"),
        Action::Delete(version) => format!("delete version {} ({})", version.number, foreign(&version.description)),
    }));
    lines.extend(layer.notes.iter().map(|note| format!("note: {note}")));
    lines
}

/// One line: how much will be done.
pub fn summary(plan: &Plan) -> String {
    let count = |wanted: fn(&Action) -> bool| {
        plan.layers().flat_map(|(_, layer)| &layer.actions).filter(|action| wanted(action)).count()
    };
    let regions = |wanted: fn(&Work) -> bool| plan.regions.iter().filter(|region| wanted(&region.work)).count();
    let mut line = format!(
        "{}: {} to create, {} to share, {} to delete",
        counted(plan.regions.len(), "region"),
        count(|action| matches!(action, Action::Create)),
        count(|action| matches!(action, Action::Permit(_))),
        count(|action| matches!(action, Action::Delete(_))),
    );
    for (number, what) in [
        (regions(|work| matches!(work, Work::NotEnabled(_))), "passed over"),
        (regions(|work| matches!(work, Work::Failed(_))), "failed"),
    ] {
        if number > 0 {
            let _ = write!(line, "; {number} {what}");
        }
    }
    line
}
