//! What the formats ask of an attestation certificate, read from its DER (RFC 5280 §4.1).
//!
//! Path validation is not here: `webpki` does that. It offers neither names nor extensions, though.

use der::asn1::{
    AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, OctetStringRef, UintRef, UtcTime,
};
use der::{Decode, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};

use crate::Refusal;
use crate::cose::PublicKey;

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

const COUNTRY: ObjectIdentifier = oid("2.5.4.6");
const ORGANIZATION: ObjectIdentifier = oid("2.5.4.10");
const UNIT: ObjectIdentifier = oid("2.5.4.11");
const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");

pub(super) const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
pub(super) const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
/// `id-fido-gen-ce-aaguid`
const FIDO_AAGUID: ObjectIdentifier = oid("1.3.6.1.4.1.45724.1.1.4");
/// `id-fido-gen-ce-sernum`
const FIDO_SERIAL_NUMBER: ObjectIdentifier = oid("1.3.6.1.4.1.45724.1.1.2");

const EC: ObjectIdentifier = oid("1.2.840.10045.2.1");
const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
const ED25519: ObjectIdentifier = oid("1.3.101.112");
const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");

/// A certificate of version 3, which §8.2.1 and §8.3.1 require and all others have.
pub(super) struct Certificate<'a> {
    /// Not before and not after, in seconds since 1970.
    pub(super) validity: (u64, u64),
    pub(super) subject: Name<'a>,
    /// Its key, if it is of a kind that credentials have.
    pub(super) key: Option<PublicKey<'a>>,
    extensions: Vec<Extension<'a>>,
}

struct Extension<'a> {
    id: ObjectIdentifier,
    value: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, Refusal> {
        Self::read(der).map_err(|_| Refusal::AttestationRequirements)
    }

    fn read(der: &'a [u8]) -> der::Result<Self> {
        AnyRef::from_der(der)?.sequence(|certificate| {
            let read = certificate.sequence(Self::read_signed)?;
            let _signature_algorithm = AnyRef::decode(certificate)?;
            let _signature = BitStringRef::decode(certificate)?;
            Ok(read)
        })
    }

    fn read_signed(fields: &mut SliceReader<'a>) -> der::Result<Self> {
        const VERSION_3: u8 = 2;
        const EXTENSIONS: Tag = Tag::ContextSpecific {
            constructed: true,
            number: TagNumber(3),
        };
        if fields.context_specific(TagNumber(0), TagMode::Explicit)? != Some(VERSION_3) {
            return Err(Tag::Integer.value_error().into());
        }
        let _serial_number = AnyRef::decode(fields)?;
        let _signature_algorithm = AnyRef::decode(fields)?;
        let _issuer = AnyRef::decode(fields)?;
        let validity =
            fields.sequence(|times| Ok::<_, der::Error>((time(times)?, time(times)?)))?;
        let subject = Name::read(AnyRef::decode(fields)?)?;
        let key = fields.sequence(read_key)?;
        let extensions = match Option::<AnyRef<'_>>::decode(fields)? {
            Some(extensions) => {
                // Unique identifiers may come first; nobody has them, and webpki refuses them too.
                extensions.tag().assert_eq(EXTENSIONS)?;
                AnyRef::from_der(extensions.value())?.sequence(|list| all(list, Extension::read))?
            }
            None => Vec::new(),
        };
        Ok(Self {
            validity,
            subject,
            key,
            extensions,
        })
    }

    /// The value of an extension that occurs exactly once.
    pub(super) fn extension(&self, id: ObjectIdentifier) -> Option<&'a [u8]> {
        // webpki refuses repetitions only of the extensions that it knows.
        let mut found = self
            .extensions
            .iter()
            .filter(|extension| extension.id == id);
        match (found.next(), found.next()) {
            (Some(extension), None) => Some(extension.value),
            _ => None,
        }
    }

    /// Basic Constraints: whether the certificate may issue others, if it says so.
    pub(super) fn is_authority(&self) -> Option<bool> {
        let value = self.extension(BASIC_CONSTRAINTS)?;
        let constraints = AnyRef::from_der(value).ok()?;
        constraints
            .sequence(|fields| {
                let authority = Option::<bool>::decode(fields)?;
                let _path_length = Option::<UintRef<'_>>::decode(fields)?;
                Ok::<_, der::Error>(authority.unwrap_or(false))
            })
            .ok()
    }

    /// §8.2.1: the subject names country, vendor, purpose and model.
    pub(super) fn is_fido_subject(&self) -> bool {
        let country = self.subject.attribute(COUNTRY);
        country.is_some_and(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()))
            && self.subject.attribute(ORGANIZATION).is_some()
            && self.subject.attribute(UNIT) == Some("Authenticator Attestation")
            && self.subject.attribute(COMMON_NAME).is_some()
    }

    /// The AAGUID that the certificate is for, if it names one.
    pub(super) fn aaguid(&self) -> Result<Option<&'a [u8; 16]>, Refusal> {
        if !self.has(FIDO_AAGUID) {
            return Ok(None);
        }
        // §8.2.1: 16 bytes in an OCTET STRING of their own.
        self.extension(FIDO_AAGUID)
            .and_then(|value| <&OctetStringRef>::from_der(value).ok())
            .and_then(|aaguid| aaguid.as_bytes().try_into().ok())
            .map(Some)
            .ok_or(Refusal::AttestationRequirements)
    }

    /// §8.2.2: a device's own number, which is for enterprises that ask for it.
    pub(super) fn names_device(&self) -> bool {
        self.has(FIDO_SERIAL_NUMBER)
    }

    fn has(&self, id: ObjectIdentifier) -> bool {
        self.extensions.iter().any(|extension| extension.id == id)
    }
}

impl<'a> Extension<'a> {
    fn read(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        reader.sequence(|fields| {
            let id = fields.decode()?;
            // webpki refuses the certificate if this is critical and unknown to it.
            let _critical = Option::<bool>::decode(fields)?;
            Ok(Self {
                id,
                value: <&OctetStringRef>::decode(fields)?.as_bytes(),
            })
        })
    }
}

/// The attributes of a distinguished name, whether each has a set of its own or all share one: issuers do both.
pub(super) struct Name<'a> {
    attributes: Vec<(ObjectIdentifier, AnyRef<'a>)>,
}

impl<'a> Name<'a> {
    pub(super) fn read(name: AnyRef<'a>) -> der::Result<Self> {
        let sets = name.sequence(|sets| all(sets, AnyRef::decode))?;
        let mut attributes = Vec::new();
        for set in sets {
            set.tag().assert_eq(Tag::Set)?;
            attributes.extend(all(&mut SliceReader::new(set.value())?, |set| {
                set.sequence(|pair| Ok::<_, der::Error>((pair.decode()?, pair.decode()?)))
            })?);
        }
        Ok(Self { attributes })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The text of an attribute that occurs exactly once. Which of the two string types it has guards nothing.
    pub(super) fn attribute(&self, id: ObjectIdentifier) -> Option<&'a str> {
        let mut found = self.attributes.iter().filter(|(found, _)| *found == id);
        match (found.next(), found.next()) {
            (Some((_, value)), None)
                if matches!(value.tag(), Tag::Utf8String | Tag::PrintableString) =>
            {
                let text = std::str::from_utf8(value.value()).ok()?;
                (!text.is_empty()).then_some(text)
            }
            _ => None,
        }
    }
}

/// Decodes until nothing is left.
pub(super) fn all<'a, T>(
    reader: &mut SliceReader<'a>,
    mut decode: impl FnMut(&mut SliceReader<'a>) -> der::Result<T>,
) -> der::Result<Vec<T>> {
    let mut values = Vec::new();
    while !reader.is_finished() {
        values.push(decode(reader)?);
    }
    Ok(values)
}

fn time(reader: &mut SliceReader<'_>) -> der::Result<u64> {
    let time = AnyRef::decode(reader)?;
    let since_1970 = match time.tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => time.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(since_1970.as_secs())
}

/// Reads the fields of a `SubjectPublicKeyInfo`.
fn read_key<'a>(fields: &mut SliceReader<'a>) -> der::Result<Option<PublicKey<'a>>> {
    let (algorithm, parameters) = fields.sequence(|fields| {
        Ok::<_, der::Error>((fields.decode()?, Option::<AnyRef<'_>>::decode(fields)?))
    })?;
    let curve = parameters.and_then(|parameters| parameters.decode_as().ok());
    let bits = BitStringRef::decode(fields)?;
    let bits = bits.as_bytes().unwrap_or_default();
    Ok(match algorithm {
        EC if curve == Some(P256) => bits.try_into().ok().map(PublicKey::Es256),
        ED25519 => bits.try_into().ok().map(PublicKey::EdDsa),
        RSA => {
            let (n, e) = AnyRef::from_der(bits)?.sequence(|fields| {
                Ok::<_, der::Error>((UintRef::decode(fields)?, UintRef::decode(fields)?))
            })?;
            Some(PublicKey::Rs256 {
                n: n.as_bytes(),
                e: e.as_bytes(),
            })
        }
        _ => None,
    })
}
