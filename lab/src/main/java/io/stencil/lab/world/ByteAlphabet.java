package io.stencil.lab.world;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A visible character for each byte, as byte-level tokenizers write their tokens (Radford et al. 2019, GPT-2).
///
/// Printable characters of Latin-1 stand for themselves, the other bytes for the characters from U+0100 on.
final class ByteAlphabet {

    private static final List<String> LETTERS = letters();

    private ByteAlphabet() {}

    /// The characters of the bytes 0 to 255.
    static List<String> all() {
        return LETTERS;
    }

    /// The characters of the bytes that `text` has in UTF-8.
    static List<String> spell(String text) {
        List<String> spelled = new ArrayList<>();
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            spelled.add(LETTERS.get(Byte.toUnsignedInt(one)));
        }
        return spelled;
    }

    private static List<String> letters() {
        List<String> letters = new ArrayList<>();
        int next = 0x100;
        for (int value = 0; value <= 0xFF; value++) {
            letters.add(Character.toString(isPrintable(value) ? value : next++));
        }
        return List.copyOf(letters);
    }

    /// Neither a control character nor a space; the soft hyphen (0xAD) is not to be seen either.
    private static boolean isPrintable(int value) {
        return (value > ' ' && value < 0x7F) || (value > 0xA0 && value != 0xAD);
    }
}
