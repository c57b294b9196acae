"""What a file is, by its first bytes."""

import re

# (first bytes, name); what PyAV reads.
_AUDIO = (
    (rb".{4}ftyp(M4A|M4B)", "M4A (AAC or ALAC in MP4)"),
    (rb".{4}ftyp3g", "3GP (AMR or AAC)"),
    (rb".{4}ftypqt", "QuickTime"),
    (rb".{4}(ftyp|moov|mdat)", "MP4 (mostly AAC)"),
    (rb"#!AMR-WB", "AMR-WB"),
    (rb"#!AMR", "AMR"),
    (rb"\x1aE\xdf\xa3.{,60}webm", "WebM (Opus or Vorbis)"),
    (rb"\x1aE\xdf\xa3", "Matroska"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA (ASF)"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "AAC (ADTS)"),
    (rb"ADIF", "AAC (ADIF)"),
    (rb"caff", "CAF with a codec that libsndfile does not read"),
    (rb"RIFF.{4}WAVE|RIFX|RF64|BW64", "WAV with a codec that libsndfile does not read"),
    (rb"RIFF.{4}AVI ", "AVI"),
    (rb"OggS", "Ogg with a codec that libsndfile does not read"),
    (rb"FORM.{4}AIF", "AIFF with a codec that libsndfile does not read"),
    (rb"FLV", "Flash video"),
    (rb"\.RMF|\.ra\xfd", "RealAudio"),
    (rb"wvpk", "WavPack"),
    (rb"MAC ", "Monkey's Audio"),
    (rb"\x0b\x77", "AC-3"),
    (rb"DSD |FRM8", "DSD"),
    (rb"\x00\x00\x01\xba", "MPEG video"),
    (rb"\x47.{187}\x47", "MPEG transport stream"),
)
# (first bytes, name, what to do); what is no audio, or none that anything here reads.
_OTHER = (
    (
        rb"version https://git-lfs",
        "a Git LFS pointer, which stands for the file",
        "get the file itself by `git lfs pull`",
    ),
    (
        rb"\s*<(!doctype\s+html|html|head|body|\?xml|error)",
        "a web page (HTML or XML), perhaps what a server sent instead of the file",
        "download it again, and open it in a browser to see what it says",
    ),
    (rb"\s*[{\[]\s*[\"{\[}\]]", "JSON", "name the audio file, or download it again"),
    (rb"PK\x03\x04|PK\x05\x06", "a ZIP archive", "unpack it"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|.{257}ustar", "an archive", "unpack it"),
    (rb"%PDF", "a PDF", "name the audio file"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture", "name the audio file"),
    (rb"\x93NUMPY|\x89HDF", "an array on disk", "load it by its own library and use `classify`"),
    (rb"\x02?#!SILK", "SILK, as WeChat and QQ record it", "convert it to WAV"),
    (rb"\Z", "nothing but zeros, or but a tag", "copy or record it again"),
)


def audio_name(head: bytes) -> str | None:
    """Name of the audio format that PyAV may read and libsndfile does not."""
    return next((name for start, name in _AUDIO if _begins(start, head)), None)


def other_name(head: bytes) -> tuple[str, str] | None:
    """What a file that is no audio is, and what to do."""
    found = ((name, advice) for start, name, advice in _OTHER if _begins(start, head))
    return next(found, None)


def _begins(start: bytes, head: bytes) -> bool:
    return re.match(start, head, re.DOTALL | re.IGNORECASE) is not None
