//! Reads a page: its fenced blocks, and the comments that say how one is tried.

/// How the block after a comment is tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Marker {
    /// `file: NAME`: the block is (more of) this file.
    File(String),
    /// `fragment`: the block is part of a document.
    Fragment,
    /// `background`: the command goes on, until the page ends.
    Background,
    /// `output`: what the command in the background has printed since.
    Output,
    /// `not run: REASON`.
    NotRun(String),
}

/// What a page has for its test.
#[derive(Debug)]
pub enum Item {
    /// Commands that readers do not see: `<!-- run: … -->`.
    Hidden { line: usize, text: String },
    /// A fenced block.
    Block(Block),
}

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// The number of its first line of text, from 1.
    pub line: usize,
    /// What its opening fence says.
    pub language: String,
    /// Its lines, without the indentation of the fence.
    pub text: String,
    pub markers: Vec<Marker>,
}

impl Block {
    pub fn is(&self, marker: &Marker) -> bool {
        self.markers.contains(marker)
    }

    /// The file that the block is.
    pub fn file(&self) -> Option<&str> {
        self.markers.iter().find_map(|marker| match marker {
            Marker::File(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Everything in a page that is tried; or what is wrong with its comments, and where.
pub fn items(page: &str) -> Result<Vec<Item>, (usize, String)> {
    let (mut items, mut markers) = (Vec::new(), Vec::new());
    let mut lines = page.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim_start();
        if let Some(language) = trimmed.strip_prefix("```") {
            let indent = line.len() - trimmed.len();
            let mut text = String::new();
            loop {
                let Some((_, line)) = lines.next() else {
                    return Err((index + 1, "the block does not end".to_owned()));
                };
                if line.trim() == "```" {
                    break;
                }
                text.push_str(line.get(indent..).unwrap_or_default());
                text.push('\n');
            }
            let markers = std::mem::take(&mut markers);
            items.push(Item::Block(Block { line: index + 2, language: language.to_owned(), text, markers }));
        } else if let Some(opened) = trimmed.strip_prefix("<!-- ") {
            let mut comment = opened.to_owned();
            while !comment.trim_end().ends_with("-->") {
                let Some((_, line)) = lines.next() else {
                    return Err((index + 1, "the comment does not end".to_owned()));
                };
                comment = format!("{comment}\n{line}");
            }
            let comment = comment.trim_end().trim_end_matches("-->").trim();
            match comment.strip_prefix("run:") {
                Some(text) => {
                    items.push(Item::Hidden { line: index + 1, text: format!("{}\n", text.trim()) })
                }
                None => markers.extend(marker(comment)),
            }
        } else if !trimmed.is_empty() && !markers.is_empty() {
            return Err((index + 1, format!("{markers:?} is not before a block")));
        }
    }
    match markers.is_empty() {
        true => Ok(items),
        false => Err((page.lines().count(), format!("{markers:?} is not before a block"))),
    }
}

/// The marker that a comment is; other comments are none.
fn marker(comment: &str) -> Option<Marker> {
    match comment.split_once(": ") {
        Some(("file", name)) => Some(Marker::File(name.to_owned())),
        Some(("not run", reason)) => Some(Marker::NotRun(reason.to_owned())),
        _ => match comment {
            "fragment" => Some(Marker::Fragment),
            "background" => Some(Marker::Background),
            "output" => Some(Marker::Output),
            _ => None,
        },
    }
}

/// A command of a `console` block, and what it prints.
#[derive(Debug, PartialEq)]
pub struct Transcript {
    /// The line of the command, from 0 in its block.
    pub line: usize,
    pub command: String,
    pub expected: String,
}

/// The commands of a `console` block. A command goes on after a `\` at the end of a line, within single quotes, and from
/// `<<'END'` to `END`.
pub fn transcripts(text: &str) -> Result<Vec<Transcript>, String> {
    let mut found: Vec<Transcript> = Vec::new();
    let mut open = false;
    for (line, read) in text.lines().enumerate() {
        match (read.strip_prefix("$ "), found.last_mut()) {
            (_, Some(last)) if open => last.command.push_str(&format!("{read}\n")),
            (Some(command), _) => {
                found.push(Transcript { line, command: format!("{command}\n"), expected: String::new() });
            }
            (None, Some(last)) => {
                last.expected.push_str(&format!("{read}\n"));
                continue;
            }
            (None, None) => return Err("a console block begins with `$ ` and a command".to_owned()),
        }
        let command = found.last().map_or("", |last| last.command.as_str());
        let here = command.contains("<<'END'\n") && !command.ends_with("\nEND\n");
        open = here || command.ends_with("\\\n") || command.matches('\'').count() % 2 == 1;
    }
    Ok(found)
}

#[test]
fn a_page_is_read_as_it_is_written() {
    let page = "# A page\n\n<!-- run: one\ntwo -->\n<!-- file: a/b.rego -->\n```rego\npackage a\n```\n\n1. a\n\n   \
                <!-- not run: no -->\n   ```sh\n   x\n\n     y\n   ```\n<!-- another -->\n";
    let items = items(page).unwrap();
    assert_eq!(items.len(), 3, "{items:?}");
    let Item::Hidden { line: 3, text } = &items[0] else { panic!("{items:?}") };
    assert_eq!(text, "one\ntwo\n");
    let (Item::Block(file), Item::Block(script)) = (&items[1], &items[2]) else { panic!("{items:?}") };
    assert_eq!((file.line, file.file(), file.text.as_str()), (7, Some("a/b.rego"), "package a\n"));
    assert_eq!((script.line, script.text.as_str()), (14, "x\n\n  y\n"));
    assert!(script.is(&Marker::NotRun("no".to_owned())));
}

#[test]
fn what_is_wrong_with_a_page_is_told_with_its_line() {
    for (page, line) in [
        ("a\n```sh\nx\n", 2),
        ("<!-- run: x\n", 1),
        ("<!-- fragment -->\n\ntext\n```sh\n```\n", 3),
        ("<!-- output -->\n", 1),
    ] {
        assert_eq!(items(page).unwrap_err().0, line, "{page}");
    }
    assert!(transcripts("x\n$ y\n").is_err());
}

#[test]
fn commands_and_their_output_are_told_apart() {
    let found = transcripts("$ a \\\n  b\nc\n$ d '{\n}'\n$ e <<'END'\n$ x\nEND\n\nf\n").unwrap();
    let found: Vec<_> =
        found.iter().map(|one| (one.line, one.command.as_str(), one.expected.as_str())).collect();
    assert_eq!(
        found,
        [(0, "a \\\n  b\n", "c\n"), (3, "d '{\n}'\n", ""), (5, "e <<'END'\n$ x\nEND\n", "\nf\n")]
    );
}
