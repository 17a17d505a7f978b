use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::Config;

use super::*;

const OLD: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A directory that is removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("code-cache-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        Self(std::env::temp_dir().join(name))
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0)
            .map_or_else(|_| Vec::new(), |entries| entries.map(|entry| entry.unwrap().path()).collect())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A component that exports a type with this name.
fn component(export: &str) -> Vec<u8> {
    wat::parse_str(format!(r#"(component (type u8) (export "{export}" (type 0)))"#)).unwrap()
}

fn export(engine: &Engine, component: &Component) -> String {
    component.component_type().exports(engine).next().unwrap().0.to_owned()
}

/// Compiles the component that exports `one`, and stores its machine code.
fn put_one(cache: &CodeCache, engine: &Engine) -> Vec<u8> {
    let one = component("one");
    cache.put(engine, &one, &Component::new(engine, &one).unwrap());
    one
}

#[test]
fn stored_machine_code_is_found_by_the_component_it_was_compiled_from() {
    let (scratch, engine) = (Scratch::new(), Engine::default());
    let cache = CodeCache::new(&scratch.0);
    let one = component("one");
    assert!(cache.get(&engine, &one).is_none());
    put_one(&cache, &engine);
    assert_eq!(export(&engine, &cache.get(&engine, &one).unwrap()), "one");
    assert!(cache.get(&engine, &component("two")).is_none());
    assert_eq!(scratch.files().len(), 1);
}

#[test]
fn machine_code_of_an_engine_with_other_options_is_not_used() {
    let (scratch, engine) = (Scratch::new(), Engine::default());
    let cache = CodeCache::new(&scratch.0);
    let one = put_one(&cache, &engine);
    let other = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    assert!(cache.get(&other, &one).is_none());
    cache.put(&other, &one, &Component::new(&other, &one).unwrap());
    assert_eq!(scratch.files().len(), 2);
    assert!(cache.get(&other, &one).is_some() && cache.get(&engine, &one).is_some());
}

#[test]
fn a_damaged_file_is_not_used_and_is_replaced() {
    let (scratch, engine) = (Scratch::new(), Engine::default());
    let cache = CodeCache::new(&scratch.0);
    let one = put_one(&cache, &engine);
    let file = &scratch.files()[0];
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    fs::write(file, &fs::read(file).unwrap()[..100]).unwrap();
    assert!(cache.get(&engine, &one).is_none());
    put_one(&cache, &engine);
    assert!(cache.get(&engine, &one).is_some());
}

#[test]
fn a_file_or_directory_that_others_can_write_to_is_not_used() {
    let (scratch, engine) = (Scratch::new(), Engine::default());
    let cache = CodeCache::new(&scratch.0);
    let one = put_one(&cache, &engine);
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for (path, private) in [(&scratch.0, 0o700), (&scratch.files()[0], 0o400)] {
        for shared in [private | 0o020, private | 0o002] {
            mode(path, shared);
            assert!(cache.get(&engine, &one).is_none(), "{shared:o}");
            mode(path, private);
            assert!(cache.get(&engine, &one).is_some());
        }
    }

    mode(&scratch.0, 0o777);
    let two = component("two");
    cache.put(&engine, &two, &Component::new(&engine, &two).unwrap());
    assert_eq!(scratch.files().len(), 1);
}

#[test]
fn a_link_to_a_file_elsewhere_is_not_followed() {
    let (scratch, elsewhere, engine) = (Scratch::new(), Scratch::new(), Engine::default());
    let cache = CodeCache::new(&scratch.0);
    let one = put_one(&cache, &engine);
    fs::rename(&scratch.0, &elsewhere.0).unwrap();
    std::os::unix::fs::symlink(&elsewhere.0, &scratch.0).unwrap();
    assert!(cache.get(&engine, &one).is_none());
    fs::remove_file(&scratch.0).unwrap();
}

#[test]
fn old_files_are_removed_when_a_new_one_is_written() {
    let (scratch, engine) = (Scratch::new(), Engine::default());
    let cache = CodeCache::new(&scratch.0);
    put_one(&cache, &engine);
    let old = &scratch.files()[0];
    let file = fs::File::open(old).unwrap();
    file.set_modified(SystemTime::now() - OLD).unwrap();
    let two = component("two");
    cache.put(&engine, &two, &Component::new(&engine, &two).unwrap());
    assert_eq!(scratch.files().len(), 1);
    assert!(!old.exists());
}

#[test]
fn a_directory_that_cannot_be_created_costs_only_time() {
    let (scratch, engine) = (Scratch::new(), Engine::default());
    fs::write(&scratch.0, "a file").unwrap();
    let cache = CodeCache::new(&scratch.0);
    let one = put_one(&cache, &engine);
    assert!(cache.get(&engine, &one).is_none());
    fs::remove_file(&scratch.0).unwrap();
}
