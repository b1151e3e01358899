package io.stencil.train.split;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/// Which file of a cache each row has: one that is there already and was made of the same content, or one to be
/// encoded.
///
/// @param digests of the rows' content, in the order of the rows
/// @param numbers of the rows' files
/// @param there rows whose files are there
/// @param unused numbers of files that belong to no row
record SamplePlan(List<String> digests, List<Integer> numbers, SortedSet<Integer> there, SortedSet<Integer> unused) {

    private static final int OPEN = -1;

    SamplePlan {
        digests = List.copyOf(digests);
        numbers = List.copyOf(numbers);
    }

    /// @param digests of the rows
    /// @param found digests of the files that are there, by number
    static SamplePlan of(List<String> digests, SortedMap<Integer, String> found) {
        int[] numbers = new int[digests.size()];
        Arrays.fill(numbers, OPEN);
        SortedSet<Integer> there = new TreeSet<>();
        SortedSet<Integer> unused = new TreeSet<>(found.keySet());
        for (int row = 0; row < numbers.length; row++) { // in their own places first, where contents are equal
            if (digests.get(row).equals(found.get(row))) {
                numbers[row] = row;
                there.add(row);
                unused.remove(row);
            }
        }
        Map<String, Deque<Integer>> elsewhere = new HashMap<>();
        unused.forEach(number -> elsewhere
                .computeIfAbsent(found.getOrDefault(number, ""), _ -> new ArrayDeque<>())
                .add(number));
        for (int row = 0; row < numbers.length; row++) {
            Deque<Integer> equal = elsewhere.get(digests.get(row));
            if (numbers[row] == OPEN && equal != null && !equal.isEmpty()) {
                numbers[row] = equal.remove();
                there.add(row);
                unused.remove(numbers[row]);
            }
        }
        placeOthers(numbers, unused);
        return new SamplePlan(digests, Arrays.stream(numbers).boxed().toList(), there, unused);
    }

    /// Rows that are to be encoded get their own number where it is free, and the lowest free one else.
    private static void placeOthers(int[] numbers, Set<Integer> unused) {
        Set<Integer> taken = new HashSet<>();
        Arrays.stream(numbers).forEach(taken::add);
        for (int row = 0; row < numbers.length; row++) {
            if (numbers[row] == OPEN && taken.add(row)) {
                numbers[row] = row;
            }
        }
        int free = 0;
        for (int row = 0; row < numbers.length; row++) {
            while (numbers[row] == OPEN) {
                if (taken.add(free)) {
                    numbers[row] = free;
                }
                free++;
            }
        }
        unused.removeAll(taken);
    }

    String digest(int row) {
        return digests.get(row);
    }

    int number(int row) {
        return numbers.get(row);
    }

    boolean isThere(int row) {
        return there.contains(row);
    }

    boolean isComplete() {
        return there.size() == numbers.size();
    }
}
