package io.stencil.lab.world;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// The words that captions and instructions of the world are made of, and those around them in a chat.
public final class Vocabulary {

    private static final List<String> WORDS =
            Pattern.compile("\\s+").splitAsStream("""
            a add an and assistant at background big black blue blurry bottom bright brown center change circle cold color
            colour cool corner cyan dark dim dot dots drawing dusk edge eight five four frame from give gray green grey hard
            image in into is it keep large left less light magenta make middle more move nine no not of old on one or orange
            painting photo picture pink plain position purple put red remove right ring rough same scene seven shadow shape
            shapes sharp six size small smooth soft square style system teal ten textured the three tiny to top triangle
            turn two user very vignette vivid warm white with without yellow young
            """).toList();

    /// Words stand behind a space much more often than at the beginning of a text.
    private static final int BEHIND_SPACE = 4;

    /// Separates the parts of a chat.
    private static final String EMPTY_LINE = "\n\n";

    private Vocabulary() {}

    public static List<String> words() {
        return WORDS;
    }

    /// What a tokenizer learns from: pieces of text, and how often each occurs.
    static Map<String, Integer> frequencies() {
        Map<String, Integer> pieces = new LinkedHashMap<>();
        for (String word : WORDS) {
            pieces.put(" " + word, BEHIND_SPACE);
            pieces.put(word, 1);
        }
        pieces.put(EMPTY_LINE, 1);
        return pieces;
    }
}
