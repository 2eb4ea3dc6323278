//! `graph.*` and `walk`

use std::collections::{BTreeSet, VecDeque};

use crate::builtins::context::{Context, argument, object};
use crate::builtins::error::{Error, Kind};
use crate::value::{Object, Set, Value};

type Answer = Result<Option<Value>, Error>;

/// The elements of an array or a set; others have none.
fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Set(elements) => elements.keys().collect(),
        _ => Vec::new(),
    }
}

fn initial(args: &[Value]) -> Result<Vec<&Value>, Error> {
    match argument(args, 2)? {
        value @ (Value::Array(_) | Value::Set(_)) => Ok(elements(value)),
        other => Err(Error::operand(2, "{array, set}", other)),
    }
}

pub fn reachable(context: &mut Context, args: &[Value]) -> Answer {
    let graph = object(args, 1)?;
    let mut reached = BTreeSet::new();
    let mut queue = VecDeque::from(initial(args)?);
    let mut steps = 0u32;
    while let Some(node) = queue.pop_front() {
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(1024) {
            context.check_deadline()?;
        }
        if let Some(edges) = graph.get(node)
            && reached.insert(node)
        {
            queue.extend(elements(edges).into_iter().filter(|neighbour| !reached.contains(neighbour)));
        }
    }
    Ok(Some(Value::from(reached.into_iter().cloned().collect::<Set>())))
}

/// Finds all simple paths: a path ends where nothing follows, before a node that is not there, and where it would come
/// to a node that it has been to.
struct Paths<'a> {
    graph: &'a Object,
    context: &'a Context,
    /// The nodes on the way to where the search is, in order and as a set.
    way: Vec<&'a Value>,
    on_the_way: BTreeSet<&'a Value>,
    found: BTreeSet<Vec<&'a Value>>,
    bytes: usize,
}

/// How many nodes a path may have.
const LONGEST: usize = 1000;

impl<'a> Paths<'a> {
    fn commit(&mut self) -> Result<(), Error> {
        self.context.check_deadline()?;
        self.bytes = self.bytes.saturating_add((self.way.len() + 4).saturating_mul(size_of::<Value>()));
        if self.bytes > self.context.max_bytes {
            return Err(Error::new(Kind::TooLarge, "the paths are too many"));
        }
        self.found.insert(self.way.clone());
        Ok(())
    }

    fn visit(&mut self, node: &'a Value) -> Result<(), Error> {
        let Some(edges) = self.graph.get(node) else { return self.commit() };
        if self.way.len() > LONGEST {
            return Err(Error::failed("a path is too long"));
        }
        self.way.push(node);
        let is_new = self.on_the_way.insert(node);
        let neighbours = elements(edges);
        // One that closes a cycle ends the path here, however many there are.
        if neighbours.is_empty() || neighbours.iter().any(|node| self.on_the_way.contains(node)) {
            self.commit()?;
        }
        for neighbour in neighbours {
            if !self.on_the_way.contains(neighbour) {
                self.visit(neighbour)?;
            }
        }
        if is_new {
            self.on_the_way.remove(node);
        }
        self.way.pop();
        Ok(())
    }
}

pub fn reachable_paths(context: &mut Context, args: &[Value]) -> Answer {
    let graph = object(args, 1)?;
    let roots = initial(args)?;
    let (way, on_the_way, found) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut paths = Paths { graph, context, way, on_the_way, found, bytes: 0 };
    for root in roots {
        let Some(edges) = graph.get(root) else { continue };
        (paths.way, paths.on_the_way) = (vec![root], BTreeSet::from([root]));
        let neighbours = elements(edges);
        if neighbours.is_empty() {
            paths.commit()?;
        }
        // Also where that is the root itself, which is on the path twice then: so does OPA.
        for neighbour in neighbours {
            paths.visit(neighbour)?;
        }
    }
    let found =
        paths.found.into_iter().map(|path| Value::from(path.into_iter().cloned().collect::<Vec<_>>()));
    Ok(Some(Value::from(found.collect::<Set>())))
}

/// All paths in a value with what is there, itself first: an array of pairs, over which the evaluator iterates.
pub fn walk(context: &mut Context, args: &[Value]) -> Answer {
    let mut pairs = Vec::new();
    let mut bytes = 0usize;
    // Paths are copied, so what a deep value takes grows with the square of its depth: the bound is in bytes.
    let mut stack: Vec<(Vec<Value>, &Value)> = vec![(Vec::new(), argument(args, 1)?)];
    while let Some((path, value)) = stack.pop() {
        // Set before anything is copied: one value may have very many below it.
        let below = match value {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            Value::Set(elements) => elements.len(),
            _ => 0,
        };
        bytes = bytes.saturating_add(below.saturating_mul((path.len() + 8) * size_of::<Value>()));
        if bytes > context.max_bytes {
            return Err(Error::new(Kind::TooLarge, "the value has too many paths"));
        }
        let push = |key: &Value| {
            let mut below = path.clone();
            below.push(key.clone());
            below
        };
        let start = stack.len();
        match value {
            Value::Array(items) => {
                stack.extend((0..).zip(items.iter()).map(|(at, item)| (push(&Value::from(at)), item)));
            }
            Value::Object(members) => stack.extend(members.iter().map(|(key, item)| (push(key), item))),
            Value::Set(elements) => stack.extend(elements.keys().map(|key| (push(key), key))),
            _ => {}
        }
        if let Some(new) = stack.get_mut(start..) {
            new.reverse();
        }
        if pairs.len().is_multiple_of(1024) {
            context.check_deadline()?;
        }
        pairs.push(Value::from(vec![Value::from(path), value.clone()]));
    }
    Ok(Some(Value::from(pairs)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn paths_are_simple_and_whole() {
        let mut context = Context::new(0, Instant::now() + Duration::from_secs(60), 1 << 20);
        for (graph, want) in [
            (r#"{"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}"#, r#"[["a","b","d"],["a","c","d"]]"#),
            (r#"{"a": ["b"], "b": ["c", "a"], "c": []}"#, r#"[["a","b"],["a","b","c"]]"#),
            (r#"{"a": ["b", "x"], "b": ["x"]}"#, r#"[["a"],["a","b"]]"#),
            (r#"{"a": ["b"], "b": ["b"]}"#, r#"[["a","b"]]"#),
            (r#"{"a": ["a"]}"#, r#"[["a","a"]]"#),
            (r#"{"a": []}"#, r#"[["a"]]"#),
            (r#"{"b": ["a"]}"#, "[]"),
        ] {
            let read = |text: &str| crate::json::read(text.as_bytes()).unwrap();
            let args = [read(graph), vec![Value::from("a")].into()];
            let Some(Value::Set(found)) = reachable_paths(&mut context, &args).unwrap() else { panic!() };
            assert_eq!(Value::from(found.keys().cloned().collect::<Vec<_>>()), read(want), "{graph}");
        }
    }
}
