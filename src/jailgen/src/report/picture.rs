//! The boxes of a drawing at fixed places, for SVG. Widths are counted in characters of a
//! monospaced font, so texts are cut here and boxes cannot overlap.

use serde::Serialize;

use super::zones::{Change, Item, Zone, ZoneBox};
use super::{Drawing, JailDrawing};

/// All of it, in pixels.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Picture {
    title: String,
    width: u32,
    height: u32,
    pub(super) boxes: Vec<Rectangle>,
    texts: Vec<Label>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rectangle {
    class: &'static str,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

#[derive(Clone, Debug, Serialize)]
struct Label {
    class: &'static str,
    x: u32,
    y: u32,
    text: String,
}

const WIDTH: u32 = 1000;
const MARGIN: u32 = 20;
const GAP: u32 = 12;
/// The two columns of the jail, and the one next to it.
const COLUMN: u32 = 295;
const OUTSIDE: u32 = 298;
const LINE: u32 = 18;
/// A title with what is above and below it.
const TITLE: u32 = 30;
/// Of a character of the 12 pixels' font, in hundredths.
const CHARACTER: u32 = 725;
/// Lines of a box.
const LINES_MAX: usize = 8;

/// The picture of a drawing: its jails, one below the other.
pub(super) fn picture(drawing: &Drawing) -> Picture {
    let title = match &drawing.before {
        Some(before) => format!("{before} → {}", drawing.title),
        None => drawing.title.clone(),
    };
    let mut picture = Picture { title, width: WIDTH, ..Picture::default() };
    let mut y = MARGIN;
    for jail in &drawing.jails {
        y = picture.machine(jail, y) + MARGIN;
    }
    picture.height = y;
    picture
}

impl Picture {
    /// A machine with its jail, from `y` downwards; where it ends.
    fn machine(&mut self, jail: &JailDrawing, y: u32) -> u32 {
        let (left, top) = (MARGIN + GAP, y + TITLE);
        let jail_width = 2 * COLUMN + 3 * GAP;
        let outer = self.place("machine", (MARGIN, y), WIDTH - 2 * MARGIN);
        self.text("title", (MARGIN + GAP, y + 20), "This machine".into());
        let inner = self.place("jail", (left, top), jail_width);
        self.text("title", (left + GAP, top + 20), cut(&jail.name, jail_width - 2 * GAP));
        let zone = |zone: Zone| jail.zones.iter().find(move |it| it.zone == zone);
        let start = top + TITLE;
        let mut bottoms = [start; 2];
        for (side, zones) in [(0, [Zone::Writes, Zone::Own]), (1, [Zone::Reads, Zone::Runs])] {
            let x = left + GAP + side * (COLUMN + GAP);
            let end = zones
                .into_iter()
                .filter_map(zone)
                .fold(start, |y, zone| self.zone(zone, (x, y), COLUMN) + GAP);
            if let Some(bottom) = bottoms.get_mut(side as usize) {
                *bottom = end;
            }
        }
        let mut end = bottoms.into_iter().max().unwrap_or(start);
        if let Some(around) = zone(Zone::Around) {
            end = self.zone(around, (left + GAP, end), 2 * COLUMN + GAP) + GAP;
        }
        self.close(inner, end);
        let x = left + jail_width + GAP;
        let is_shown = |it: &&ZoneBox| it.zone == Zone::Reaches || !it.items.is_empty();
        let outside = [Zone::Reaches, Zone::OnHost].into_iter().filter_map(zone).filter(is_shown);
        let below = outside.fold(top, |y, zone| self.zone(zone, (x, y), OUTSIDE) + GAP);
        let below = self.lines("absent", "Stays outside", &absent(jail), (x, below), OUTSIDE);
        let end = end.max(below) + GAP;
        self.close(outer, end);
        end
    }

    /// A rectangle whose height is not known yet.
    fn place(&mut self, class: &'static str, (x, y): (u32, u32), width: u32) -> usize {
        self.boxes.push(Rectangle { class, x, y, width, height: 0 });
        self.boxes.len() - 1
    }

    fn close(&mut self, number: usize, end: u32) {
        if let Some(rectangle) = self.boxes.get_mut(number) {
            rectangle.height = end.saturating_sub(rectangle.y);
        }
    }

    fn text(&mut self, class: &'static str, (x, y): (u32, u32), text: String) {
        self.texts.push(Label { class, x, y, text });
    }

    fn zone(&mut self, zone: &ZoneBox, at: (u32, u32), width: u32) -> u32 {
        // A path says by its box what can be done with it; `its own` says nothing without a
        // subject.
        let with_how = zone.zone == Zone::Around;
        let mut lines: Vec<_> =
            zone.items.iter().flat_map(|item| item_lines(item, with_how)).collect();
        if lines.is_empty() {
            lines.push(("none", zone.empty.to_owned()));
        }
        self.lines(class(zone.zone), zone.title, &lines, at, width)
    }

    /// A box with a title and lines in it; where it ends.
    fn lines(
        &mut self,
        class: &'static str,
        title: &str,
        lines: &[(&'static str, String)],
        (x, y): (u32, u32),
        width: u32,
    ) -> u32 {
        let number = self.place(class, (x, y), width);
        self.text("title", (x + GAP, y + 20), title.into());
        let mut line = y + TITLE;
        let mut label = |class, text: &str, picture: &mut Self| {
            line += LINE;
            picture.text(class, (x + GAP, line - 5), cut(text, width - 2 * GAP));
        };
        let shown = if lines.len() > LINES_MAX { LINES_MAX - 1 } else { lines.len() };
        for (class, text) in lines.iter().take(shown) {
            label(class, text, self);
        }
        if lines.len() > shown {
            label("none", &format!("and {} more", lines.len() - shown), self);
        }
        self.close(number, line + GAP / 2);
        line + GAP / 2
    }
}

fn absent(jail: &JailDrawing) -> Vec<(&'static str, String)> {
    let parts = jail.absent.iter().flat_map(|line| line.split(", "));
    parts.map(|part| ("kept", part.trim_end_matches(',').to_owned())).collect()
}

/// What an item says, a line for each of its texts. What changed comes with a sign, because colour
/// alone says nothing to some readers.
fn item_lines(item: &Item, with_how: bool) -> impl Iterator<Item = (&'static str, String)> {
    let how = if with_how { format!("{}: ", item.how) } else { String::new() };
    item.texts.iter().map(move |text| {
        let (class, sign) = match text.change {
            Change::Kept => ("kept", ""),
            Change::Added => ("added", "+ "),
            Change::Removed => ("removed", "− "),
        };
        (class, format!("{sign}{how}{}", text.text))
    })
}

fn class(zone: Zone) -> &'static str {
    match zone {
        Zone::Writes => "writes",
        Zone::Reads => "reads",
        Zone::Reaches => "reaches",
        Zone::Runs => "runs",
        Zone::Own => "own",
        Zone::Around => "around",
        Zone::OnHost => "on-host",
    }
}

/// As much of a text as fits.
fn cut(text: &str, width: u32) -> String {
    let most = (width * 100 / CHARACTER) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
