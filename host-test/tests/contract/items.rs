//! The items of a WIT package: the parts that must not change after a release. Documentation and the order of items may change.

use std::collections::BTreeMap;
use std::path::Path;

use wit_parser::{
    Docs, Function, Handle, InterfaceId, PackageId, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldItem,
    WorldKey,
};

/// The items of an interface or world, by name.
pub type Items = BTreeMap<String, String>;

/// A package and its dependencies.
pub struct Package {
    pub resolve: Resolve,
    pub id: PackageId,
}

impl Package {
    /// The package of a directory, with the packages in its `deps`.
    pub fn read(directory: &Path) -> Self {
        let mut resolve = Resolve::default();
        let (id, _) = resolve.push_dir(directory).expect("a package of WIT");
        Self { resolve, id }
    }

    /// The package that this text defines, with the packages of WASI in this directory.
    pub fn of(text: &str, dependencies: &Path) -> Self {
        let mut resolve = Resolve::default();
        for dependency in ["io", "clocks", "http"] {
            resolve.push_dir(dependencies.join(dependency)).expect("a package of WASI");
        }
        let id = resolve.push_str("contract.wit", text).unwrap_or_else(|error| panic!("{error:#}"));
        Self { resolve, id }
    }

    /// Its version.
    pub fn version(&self) -> String {
        self.resolve.packages[self.id].name.version.as_ref().expect("a version").to_string()
    }

    /// Every interface and world of the package, and every interface of other packages that its worlds import or export.
    pub fn items(&self) -> BTreeMap<String, Items> {
        let package = &self.resolve.packages[self.id];
        let own = package.interfaces.values().copied();
        let worlds = package.worlds.values().map(|world| &self.resolve.worlds[*world]);
        let theirs =
            worlds.flat_map(|world| world.imports.keys().chain(world.exports.keys())).filter_map(|key| match key {
                WorldKey::Interface(interface) => Some(*interface),
                WorldKey::Name(_) => None,
            });
        let interfaces = own.chain(theirs).map(|interface| {
            (format!("interface {}", self.interface_name(interface)), self.items_of_interface(interface))
        });
        let worlds = package.worlds.iter().map(|(name, world)| {
            let world = &self.resolve.worlds[*world];
            let imports = world.imports.iter().map(|(key, item)| ("import", key, item));
            let exports = world.exports.iter().map(|(key, item)| ("export", key, item));
            let items = imports.chain(exports).map(|(direction, key, item)| self.item_of_world(direction, key, item));
            (format!("world {name}"), items.collect())
        });
        interfaces.chain(worlds).collect()
    }

    /// The functions and types of the package's own interfaces, and its interfaces and worlds, that have no documentation.
    pub fn undocumented(&self) -> Vec<String> {
        let package = &self.resolve.packages[self.id];
        let mut items: Vec<(String, &Docs)> = Vec::new();
        for (name, id) in &package.interfaces {
            let interface = &self.resolve.interfaces[*id];
            items.push((name.clone(), &interface.docs));
            items.extend(interface.functions.iter().map(|(name, function)| (name.clone(), &function.docs)));
            items.extend(interface.types.iter().map(|(name, id)| (name.clone(), &self.resolve.types[*id].docs)));
        }
        items.extend(package.worlds.iter().map(|(name, id)| (name.clone(), &self.resolve.worlds[*id].docs)));
        items.into_iter().filter(|(_, docs)| docs.contents.is_none()).map(|(name, _)| name).collect()
    }

    /// The name of an interface. Interfaces of this package are named without the version, those of other packages with it.
    pub fn interface_name(&self, interface: InterfaceId) -> String {
        let of = &self.resolve.interfaces[interface];
        match &of.name {
            Some(name) if of.package == Some(self.id) => name.clone(),
            _ => self.resolve.id_of(interface).expect("a name"),
        }
    }

    fn items_of_interface(&self, interface: InterfaceId) -> Items {
        let interface = &self.resolve.interfaces[interface];
        let types = interface.types.iter().map(|(name, id)| (format!("type {name}"), self.definition(*id)));
        let functions = interface.functions.iter();
        let functions = functions.map(|(name, function)| (format!("function {name}"), self.signature(function)));
        types.chain(functions).collect()
    }

    fn item_of_world(&self, direction: &str, key: &WorldKey, item: &WorldItem) -> (String, String) {
        let name = match key {
            WorldKey::Interface(interface) => self.interface_name(*interface),
            WorldKey::Name(name) => name.clone(),
        };
        let definition = match item {
            // An inline interface is described by its items.
            WorldItem::Interface { id, .. } if matches!(key, WorldKey::Name(_)) => {
                format!("{:?}", self.items_of_interface(*id))
            }
            WorldItem::Interface { .. } => "interface".to_owned(),
            WorldItem::Function(function) => self.signature(function),
            WorldItem::Type { id, .. } => self.definition(*id),
        };
        (format!("{direction} {name}"), definition)
    }

    /// The parameters and the result of a function.
    pub fn signature(&self, function: &Function) -> String {
        self.signature_with(function, &str::to_owned)
    }

    /// As [`Self::signature`], with the names of types formatted by `named`.
    pub fn signature_with(&self, function: &Function, named: &dyn Fn(&str) -> String) -> String {
        let parameters: Vec<String> = function
            .params
            .iter()
            .map(|parameter| format!("{}: {}", parameter.name, self.type_with(&parameter.ty, named)))
            .collect();
        let result = function.result.as_ref().map(|result| format!(" -> {}", self.type_with(result, named)));
        let asynchronous = if function.kind.is_async() { "async " } else { "" };
        format!("{asynchronous}func({}){}", parameters.join(", "), result.unwrap_or_default())
    }

    /// The definition of a named type.
    fn definition(&self, id: TypeId) -> String {
        let TypeDef { kind, owner, .. } = &self.resolve.types[id];
        let format = |of: &Type| self.type_with(of, &str::to_owned);
        let payload = |of: &Option<Type>| of.as_ref().map(|of| format!("({})", format(of))).unwrap_or_default();
        let list = |kind: &str, members: Vec<String>| format!("{kind} {{ {} }}", members.join(", "));
        match kind {
            TypeDefKind::Record(record) => list(
                "record",
                record.fields.iter().map(|field| format!("{}: {}", field.name, format(&field.ty))).collect(),
            ),
            TypeDefKind::Variant(variant) => list(
                "variant",
                variant.cases.iter().map(|case| format!("{}{}", case.name, payload(&case.ty))).collect(),
            ),
            TypeDefKind::Enum(of) => list("enum", of.cases.iter().map(|case| case.name.clone()).collect()),
            TypeDefKind::Flags(of) => list("flags", of.flags.iter().map(|flag| flag.name.clone()).collect()),
            TypeDefKind::Resource => "resource".to_owned(),
            TypeDefKind::Type(Type::Id(of)) if self.resolve.types[*of].owner != *owner => self.used(*of),
            other => self.kind_with(other, &str::to_owned),
        }
    }

    /// A type that another interface owns.
    fn used(&self, id: TypeId) -> String {
        let TypeDef { name, owner, .. } = &self.resolve.types[id];
        let TypeOwner::Interface(interface) = owner else { panic!("a type without an interface: {name:?}") };
        format!("{}.{}", self.interface_name(*interface), name.as_deref().expect("a name"))
    }

    /// A type as it is written at its use, with the names of types formatted by `named`.
    pub fn type_with(&self, of: &Type, named: &dyn Fn(&str) -> String) -> String {
        let plain = match of {
            Type::Bool => "bool",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::S8 => "s8",
            Type::S16 => "s16",
            Type::S32 => "s32",
            Type::S64 => "s64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            Type::ErrorContext => "error-context",
            Type::Id(id) => {
                let TypeDef { name, kind, .. } = &self.resolve.types[*id];
                return name.as_deref().map_or_else(|| self.kind_with(kind, named), named);
            }
        };
        plain.to_owned()
    }

    /// A type without a name.
    fn kind_with(&self, kind: &TypeDefKind, named: &dyn Fn(&str) -> String) -> String {
        let format = |of: &Type| self.type_with(of, named);
        let optional = |of: &Option<Type>| of.as_ref().map_or_else(|| "_".to_owned(), &format);
        match kind {
            TypeDefKind::Type(of) => format(of),
            TypeDefKind::Option(of) => format!("option<{}>", format(of)),
            TypeDefKind::List(of) => format!("list<{}>", format(of)),
            TypeDefKind::FixedLengthList(of, length) => format!("list<{}, {length}>", format(of)),
            TypeDefKind::Map(key, value) => format!("map<{}, {}>", format(key), format(value)),
            TypeDefKind::Tuple(of) => format!("tuple<{}>", of.types.iter().map(format).collect::<Vec<_>>().join(", ")),
            TypeDefKind::Result(of) => format!("result<{}, {}>", optional(&of.ok), optional(&of.err)),
            TypeDefKind::Future(of) => format!("future<{}>", optional(of)),
            TypeDefKind::Stream(of) => format!("stream<{}>", optional(of)),
            TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", format(&Type::Id(*id))),
            TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", format(&Type::Id(*id))),
            other => panic!("a {} without a name", other.as_str()),
        }
    }
}
