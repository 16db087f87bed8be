//! Property tags and property types (\[MS-OXCDATA\] 2.9 and 2.11.1).

use std::fmt;

/// A property tag: the property id in the upper 16 bits, the property type in the lower 16.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyTag(pub u32);

impl PropertyTag {
    /// The first id of named properties: the named-property map of the message tells what it stands
    /// for.
    pub const FIRST_NAMED_ID: u16 = 0x8000;

    /// Puts an id and a type together.
    pub const fn new(id: u16, property_type: PropertyType) -> Self {
        Self((id as u32) << 16 | property_type.0 as u32)
    }

    /// The property id.
    pub const fn id(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The property type.
    #[allow(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    pub const fn property_type(self) -> PropertyType {
        PropertyType(self.0 as u16)
    }

    /// The same property id with another type.
    pub const fn with_type(self, property_type: PropertyType) -> Self {
        Self::new(self.id(), property_type)
    }

    /// Whether the id is resolved by the named-property map of the message (\[MS-OXMSG\] 2.2.3).
    pub const fn is_named(self) -> bool {
        self.id() >= Self::FIRST_NAMED_ID
    }
}

impl fmt::Display for PropertyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)
    }
}

impl fmt::Debug for PropertyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A property type code (\[MS-OXCDATA\] 2.11.1). Codes outside the constants occur in damaged
/// files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyType(pub u16);

/// Where the value of a property type lies in a `.msg` file (\[MS-OXMSG\] 2.1.3 to 2.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the 8 value bytes of the property stream's entry.
    Entry,
    /// In one stream of its own.
    Stream,
    /// In a length stream, and one more stream for each value.
    ValueStreams,
    /// In a storage.
    Storage,
    /// The type is not one of the specification.
    Unknown,
}

impl PropertyType {
    /// `PtypUnspecified`, `PT_UNSPECIFIED`: never stored.
    pub const UNSPECIFIED: Self = Self(0x0000);
    /// `PtypNull`, `PT_NULL`: no value.
    pub const NULL: Self = Self(0x0001);
    /// `PtypInteger16`, `PT_SHORT`: 2 bytes.
    pub const INTEGER16: Self = Self(0x0002);
    /// `PtypInteger32`, `PT_LONG`: 4 bytes.
    pub const INTEGER32: Self = Self(0x0003);
    /// `PtypFloating32`, `PT_FLOAT`: 4 bytes.
    pub const FLOATING32: Self = Self(0x0004);
    /// `PtypFloating64`, `PT_DOUBLE`: 8 bytes.
    pub const FLOATING64: Self = Self(0x0005);
    /// `PtypCurrency`, `PT_CURRENCY`: 8 bytes, ten-thousandths.
    pub const CURRENCY: Self = Self(0x0006);
    /// `PtypFloatingTime`, `PT_APPTIME`: 8 bytes, days since 1899-12-30.
    pub const FLOATING_TIME: Self = Self(0x0007);
    /// `PtypErrorCode`, `PT_ERROR`: 4 bytes.
    pub const ERROR_CODE: Self = Self(0x000A);
    /// `PtypBoolean`, `PT_BOOLEAN`: 2 bytes.
    pub const BOOLEAN: Self = Self(0x000B);
    /// `PtypObject`, `PT_OBJECT`: a storage.
    pub const OBJECT: Self = Self(0x000D);
    /// `PtypInteger64`, `PT_LONGLONG`: 8 bytes.
    pub const INTEGER64: Self = Self(0x0014);
    /// `PtypString8`, `PT_STRING8`: bytes in the code page of the message.
    pub const STRING8: Self = Self(0x001E);
    /// `PtypString`, `PT_UNICODE`: UTF-16LE.
    pub const STRING: Self = Self(0x001F);
    /// `PtypTime`, `PT_SYSTIME`: 8 bytes, a [`crate::mapi::FileTime`].
    pub const TIME: Self = Self(0x0040);
    /// `PtypGuid`, `PT_CLSID`: 16 bytes.
    pub const GUID: Self = Self(0x0048);
    /// `PtypServerId`, `PT_SVREID`.
    pub const SERVER_ID: Self = Self(0x00FB);
    /// `PtypRestriction`, `PT_SRESTRICTION`.
    pub const RESTRICTION: Self = Self(0x00FD);
    /// `PtypRuleAction`, `PT_ACTIONS`.
    pub const RULE_ACTION: Self = Self(0x00FE);
    /// `PtypBinary`, `PT_BINARY`.
    pub const BINARY: Self = Self(0x0102);
    /// `PtypMultipleInteger16`, `PT_MV_SHORT`.
    pub const MULTIPLE_INTEGER16: Self = Self(0x1002);
    /// `PtypMultipleInteger32`, `PT_MV_LONG`.
    pub const MULTIPLE_INTEGER32: Self = Self(0x1003);
    /// `PtypMultipleFloating32`, `PT_MV_FLOAT`.
    pub const MULTIPLE_FLOATING32: Self = Self(0x1004);
    /// `PtypMultipleFloating64`, `PT_MV_DOUBLE`.
    pub const MULTIPLE_FLOATING64: Self = Self(0x1005);
    /// `PtypMultipleCurrency`, `PT_MV_CURRENCY`.
    pub const MULTIPLE_CURRENCY: Self = Self(0x1006);
    /// `PtypMultipleFloatingTime`, `PT_MV_APPTIME`.
    pub const MULTIPLE_FLOATING_TIME: Self = Self(0x1007);
    /// `PtypMultipleInteger64`, `PT_MV_LONGLONG`.
    pub const MULTIPLE_INTEGER64: Self = Self(0x1014);
    /// `PtypMultipleString8`, `PT_MV_STRING8`.
    pub const MULTIPLE_STRING8: Self = Self(0x101E);
    /// `PtypMultipleString`, `PT_MV_UNICODE`.
    pub const MULTIPLE_STRING: Self = Self(0x101F);
    /// `PtypMultipleTime`, `PT_MV_SYSTIME`.
    pub const MULTIPLE_TIME: Self = Self(0x1040);
    /// `PtypMultipleGuid`, `PT_MV_CLSID`.
    pub const MULTIPLE_GUID: Self = Self(0x1048);
    /// `PtypMultipleBinary`, `PT_MV_BINARY`.
    pub const MULTIPLE_BINARY: Self = Self(0x1102);

    /// `MultivalueFlag`, `MV_FLAG`: this bit is the difference between a multi-valued type and the
    /// type of one value.
    const MULTIPLE_FLAG: u16 = 0x1000;

    /// The Unicode type for an 8-bit string, any other type as it is.
    pub const fn to_unicode(self) -> Self {
        match self {
            Self::STRING8 => Self::STRING,
            Self::MULTIPLE_STRING8 => Self::MULTIPLE_STRING,
            other => other,
        }
    }

    /// The type of one value of a multi-valued type; `None` for any other type.
    pub const fn of_one_value(self) -> Option<Self> {
        match self {
            Self::MULTIPLE_INTEGER16
            | Self::MULTIPLE_INTEGER32
            | Self::MULTIPLE_FLOATING32
            | Self::MULTIPLE_FLOATING64
            | Self::MULTIPLE_CURRENCY
            | Self::MULTIPLE_FLOATING_TIME
            | Self::MULTIPLE_INTEGER64
            | Self::MULTIPLE_STRING8
            | Self::MULTIPLE_STRING
            | Self::MULTIPLE_TIME
            | Self::MULTIPLE_GUID
            | Self::MULTIPLE_BINARY => Some(Self(self.0 & !Self::MULTIPLE_FLAG)),
            _ => None,
        }
    }

    /// Whether values of this type are kept as plain bytes: `PT_BINARY`, and structures that this
    /// library does not decode.
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::BINARY | Self::SERVER_ID | Self::RESTRICTION | Self::RULE_ACTION)
    }

    /// Where values of this type are stored.
    pub const fn location(self) -> Location {
        match self {
            Self::NULL
            | Self::INTEGER16
            | Self::INTEGER32
            | Self::FLOATING32
            | Self::FLOATING64
            | Self::CURRENCY
            | Self::FLOATING_TIME
            | Self::ERROR_CODE
            | Self::BOOLEAN
            | Self::INTEGER64
            | Self::TIME => Location::Entry,
            Self::STRING8
            | Self::STRING
            | Self::GUID
            | Self::SERVER_ID
            | Self::RESTRICTION
            | Self::RULE_ACTION
            | Self::BINARY
            | Self::MULTIPLE_INTEGER16
            | Self::MULTIPLE_INTEGER32
            | Self::MULTIPLE_FLOATING32
            | Self::MULTIPLE_FLOATING64
            | Self::MULTIPLE_CURRENCY
            | Self::MULTIPLE_FLOATING_TIME
            | Self::MULTIPLE_INTEGER64
            | Self::MULTIPLE_TIME
            | Self::MULTIPLE_GUID => Location::Stream,
            Self::MULTIPLE_STRING8 | Self::MULTIPLE_STRING | Self::MULTIPLE_BINARY => {
                Location::ValueStreams
            }
            Self::OBJECT => Location::Storage,
            _ => Location::Unknown,
        }
    }

    /// The MAPI name, as `PT_LONG`; `None` for a code that is no type.
    pub const fn mapi_name(self) -> Option<&'static str> {
        Some(match self {
            Self::UNSPECIFIED => "PT_UNSPECIFIED",
            Self::NULL => "PT_NULL",
            Self::INTEGER16 => "PT_SHORT",
            Self::INTEGER32 => "PT_LONG",
            Self::FLOATING32 => "PT_FLOAT",
            Self::FLOATING64 => "PT_DOUBLE",
            Self::CURRENCY => "PT_CURRENCY",
            Self::FLOATING_TIME => "PT_APPTIME",
            Self::ERROR_CODE => "PT_ERROR",
            Self::BOOLEAN => "PT_BOOLEAN",
            Self::OBJECT => "PT_OBJECT",
            Self::INTEGER64 => "PT_LONGLONG",
            Self::STRING8 => "PT_STRING8",
            Self::STRING => "PT_UNICODE",
            Self::TIME => "PT_SYSTIME",
            Self::GUID => "PT_CLSID",
            Self::SERVER_ID => "PT_SVREID",
            Self::RESTRICTION => "PT_SRESTRICTION",
            Self::RULE_ACTION => "PT_ACTIONS",
            Self::BINARY => "PT_BINARY",
            Self::MULTIPLE_INTEGER16 => "PT_MV_SHORT",
            Self::MULTIPLE_INTEGER32 => "PT_MV_LONG",
            Self::MULTIPLE_FLOATING32 => "PT_MV_FLOAT",
            Self::MULTIPLE_FLOATING64 => "PT_MV_DOUBLE",
            Self::MULTIPLE_CURRENCY => "PT_MV_CURRENCY",
            Self::MULTIPLE_FLOATING_TIME => "PT_MV_APPTIME",
            Self::MULTIPLE_INTEGER64 => "PT_MV_LONGLONG",
            Self::MULTIPLE_STRING8 => "PT_MV_STRING8",
            Self::MULTIPLE_STRING => "PT_MV_UNICODE",
            Self::MULTIPLE_TIME => "PT_MV_SYSTIME",
            Self::MULTIPLE_GUID => "PT_MV_CLSID",
            Self::MULTIPLE_BINARY => "PT_MV_BINARY",
            _ => return None,
        })
    }
}

impl fmt::Display for PropertyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mapi_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type 0x{:04X}", self.0),
        }
    }
}

impl fmt::Debug for PropertyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_an_id_and_a_type() {
        let tag = PropertyTag(0x8005_101E);
        assert_eq!((tag.id(), tag.property_type()), (0x8005, PropertyType::MULTIPLE_STRING8));
        assert!(tag.is_named() && !PropertyTag(0x7FFF_101E).is_named());
        assert_eq!(tag.with_type(PropertyType::TIME), PropertyTag(0x8005_0040));
        assert_eq!(tag.to_string(), "0x8005101E");
    }

    #[test]
    fn types_have_names_and_places() {
        let known = (0..=u16::MAX).map(PropertyType).filter(|t| t.mapi_name().is_some());
        for property_type in known.filter(|&t| t != PropertyType::UNSPECIFIED) {
            assert_ne!(property_type.location(), Location::Unknown, "{property_type}");
        }
        assert_eq!(PropertyType(0x0103).location(), Location::Unknown);
        assert_eq!(PropertyType(0x0103).to_string(), "type 0x0103");
        assert_eq!(PropertyType::TIME.to_string(), "PT_SYSTIME");
    }

    #[test]
    fn string_types_have_unicode_forms_and_multiple_types_single_ones() {
        assert_eq!(PropertyType::STRING8.to_unicode(), PropertyType::STRING);
        assert_eq!(PropertyType::MULTIPLE_STRING8.to_unicode(), PropertyType::MULTIPLE_STRING);
        assert_eq!(PropertyType::BINARY.to_unicode(), PropertyType::BINARY);
        assert_eq!(PropertyType::MULTIPLE_GUID.of_one_value(), Some(PropertyType::GUID));
        assert_eq!(PropertyType::GUID.of_one_value(), None);
        assert_eq!(PropertyType(0x1001).of_one_value(), None);
    }
}
