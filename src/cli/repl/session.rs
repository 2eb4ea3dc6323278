//! What a prompt works on: policy and data that were loaded, and what was defined since.
//!
//! INVARIANT (always sound): a program is compiled before it replaces the last one; what does not compile changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::statement::Defined;
use verdict_rego::query::Scope;
use verdict_rego::{CompileOptions, Diagnostic, Module, Program, RegoVersion, Value, compile_for};

/// The package that a session begins in.
const PACKAGE: &str = "repl";

/// What was defined in one package.
#[derive(Debug, Clone, Default)]
struct Own {
    /// What stands behind `import`.
    imports: Vec<String>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    defined: Vec<Defined>,
    text: String,
}

type Packages = BTreeMap<String, Own>;

/// Policy, data and input, as they are now.
pub(super) struct Session {
    modules: Vec<Module>,
    data: Value,
    own: Packages,
    package: String,
    program: Arc<Program>,
    /// The input document.
    pub(super) input: Option<Value>,
}

impl Session {
    /// Begins with policy and data that were loaded.
    ///
    /// # Errors
    /// Policy that does not compile.
    pub(super) fn begin(loaded: &Program, input: Option<Value>) -> Result<Self, Vec<Diagnostic>> {
        let (modules, data, own) = (loaded.modules().to_vec(), loaded.data().clone(), Packages::new());
        let program = Arc::new(compile(&modules, &data, &own)?);
        Ok(Self { modules, data, own, package: PACKAGE.to_owned(), program, input })
    }

    /// Takes other policy and data in place of what was loaded.
    ///
    /// # Errors
    /// Policy that does not compile, or does not go with what was defined.
    pub(super) fn reload(&mut self, loaded: &Program) -> Result<(), Vec<Diagnostic>> {
        let (modules, data) = (loaded.modules().to_vec(), loaded.data().clone());
        self.program = Arc::new(compile(&modules, &data, &self.own)?);
        (self.modules, self.data) = (modules, data);
        Ok(())
    }

    pub(super) const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The current package.
    pub(super) fn package(&self) -> &str {
        &self.package
    }

    /// How names in a query are resolved.
    pub(super) fn scope(&self) -> Scope {
        let imports = self.own.get(&self.package).map(|own| own.imports.clone()).unwrap_or_default();
        Scope { package: Some(self.package.clone()), imports }
    }

    /// Package and imports of what is defined next.
    pub(super) fn header(&self) -> String {
        header(&self.package, &self.own.get(&self.package).cloned().unwrap_or_default())
    }

    /// What was defined in the current package, as a module.
    pub(super) fn shown(&self) -> String {
        source(&self.package, &self.own.get(&self.package).cloned().unwrap_or_default())
    }

    /// The names that were defined or imported in the current package.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.own.get(&self.package);
        let entries = own.into_iter().flat_map(|own| &own.entries).flat_map(|entry| &entry.defined);
        let imports = own.into_iter().flat_map(|own| &own.imports);
        let imported = imports.filter_map(|import| import.rsplit([' ', '.']).next());
        entries.map(|defined| defined.name.as_str()).chain(imported)
    }

    /// Goes on in another package.
    ///
    /// # Errors
    /// A path that is none.
    pub(super) fn enter(&mut self, package: &str) -> Result<(), Vec<Diagnostic>> {
        let text = format!("package {package}\n");
        let module = Module { id: String::new(), source: text.into(), version: RegoVersion::V1 };
        compile_for(vec![module], Value::object(), CompileOptions::default())?;
        package.clone_into(&mut self.package);
        Ok(())
    }

    /// Imports for the current package.
    ///
    /// # Errors
    /// What is wrong with the import.
    pub(super) fn import(&mut self, import: &str) -> Result<(), Vec<Diagnostic>> {
        let mut own = self.own.clone();
        let ours = own.entry(self.package.clone()).or_default();
        if ours.imports.iter().any(|other| other == import) {
            return Ok(());
        }
        ours.imports.push(import.to_owned());
        let line = header(&self.package, ours).lines().count() as u32;
        self.adopt(own, Some(line - 1))
    }

    /// Defines rules in the current package; whether they take the place of others.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn define(&mut self, text: &str, defined: Vec<Defined>) -> Result<bool, Vec<Diagnostic>> {
        let mut own = self.own.clone();
        let ours = own.entry(self.package.clone()).or_default();
        let before = ours.entries.len();
        for new in defined.iter().filter(|new| new.replaces || new.default) {
            let replaced = |old: &Defined| old.name == new.name && (!new.default || old.default);
            ours.entries.retain(|entry| !entry.defined.iter().any(replaced));
        }
        let replaced = ours.entries.len() < before;
        let above = source(&self.package, ours).lines().count() as u32 + 1;
        ours.entries.push(Entry { defined, text: text.trim_end().to_owned() });
        self.adopt(own, Some(above)).map(|()| replaced)
    }

    /// Takes back what was defined under a name, in the current package; whether there was anything.
    ///
    /// # Errors
    /// Other rules need it.
    pub(super) fn unset(&mut self, name: &str) -> Result<bool, Vec<Diagnostic>> {
        let mut own = self.own.clone();
        let Some(ours) = own.get_mut(&self.package) else { return Ok(false) };
        let before = ours.entries.len();
        ours.entries.retain(|entry| entry.defined.iter().all(|defined| defined.name != name));
        if ours.entries.len() == before {
            return Ok(false);
        }
        self.adopt(own, None).map(|()| true)
    }

    /// Takes back what was defined in a package; whether there was anything.
    ///
    /// # Errors
    /// Other rules need it.
    pub(super) fn unset_package(&mut self, package: &str) -> Result<bool, Vec<Diagnostic>> {
        let mut own = self.own.clone();
        if own.remove(package).is_none() {
            return Ok(false);
        }
        self.adopt(own, None)?;
        if self.package == package {
            PACKAGE.clone_into(&mut self.package);
        }
        Ok(true)
    }

    /// Compiles what is to be defined. Places below line `above` of the current package are those of the statement, where
    /// there is one.
    fn adopt(&mut self, own: Packages, above: Option<u32>) -> Result<(), Vec<Diagnostic>> {
        let program = compile(&self.modules, &self.data, &own).map_err(|mut found| {
            let here = id(&self.package);
            for at in found.iter_mut().filter_map(|found| found.location.as_mut()) {
                if let Some(above) = above.filter(|above| at.file == here && at.row > *above) {
                    at.file.clear();
                    at.row -= above;
                }
            }
            found
        })?;
        (self.program, self.own) = (Arc::new(program), own);
        Ok(())
    }
}

fn compile(modules: &[Module], data: &Value, own: &Packages) -> Result<Program, Vec<Diagnostic>> {
    let defined = own.iter().map(|(package, own)| Module {
        id: id(package),
        source: source(package, own).into(),
        version: RegoVersion::V1,
    });
    let modules = modules.iter().cloned().chain(defined).collect();
    compile_for(modules, data.clone(), CompileOptions { debug: true, tests: false })
}

/// What messages call the module of a package.
fn id(package: &str) -> String {
    if package == PACKAGE { PACKAGE.to_owned() } else { format!("{PACKAGE}/{package}") }
}

fn header(package: &str, own: &Own) -> String {
    let imports: String = own.imports.iter().map(|import| format!("import {import}\n")).collect();
    let between = if imports.is_empty() { "" } else { "\n" };
    format!("package {package}\n{between}{imports}")
}

fn source(package: &str, own: &Own) -> String {
    let rules: String = own.entries.iter().map(|entry| format!("\n{}\n", entry.text)).collect();
    header(package, own) + &rules
}
