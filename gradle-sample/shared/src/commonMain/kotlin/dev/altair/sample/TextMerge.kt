package dev.altair.sample

/** Where the cursor is; [start] and [end] differ when text is selected. Both count UTF-16 units, as Kotlin does. */
data class Selection(val start: Int, val end: Int = start)

/** A text that was merged, and where the cursor is in it. */
data class MergedText(val text: String, val selection: Selection)

/**
 * Joins two edits of [base]. What [mine] and [theirs] took away is gone, what they put in is there, and the cursor stays with the
 * characters that it was at. Where both put something in at the same place, theirs comes first; the same insertion made twice is one.
 */
fun mergeTexts(base: String, mine: String, theirs: String, selection: Selection): MergedText {
    if (theirs == base) return MergedText(mine, selection)
    if (mine == base || mine == theirs) {
        val moved = Moved(mine, theirs)
        return MergedText(theirs, Selection(moved.to(selection.start), moved.to(selection.end)))
    }
    val prefix = sharedPrefix(base, mine, theirs)
    val suffix = sharedSuffix(prefix, base, mine, theirs)
    fun String.middle() = substring(prefix, length - suffix)
    val merged = mergeMiddles(base.middle(), mine.middle(), theirs.middle(), Selection(selection.start - prefix, selection.end - prefix))
    return MergedText(
        base.take(prefix) + merged.text + base.takeLast(suffix),
        Selection(merged.selection.start + prefix, merged.selection.end + prefix),
    )
}

private fun mergeMiddles(base: String, mine: String, theirs: String, selection: Selection): MergedText {
    val symbols = symbolsOf(base)
    val mineEdits = Edits(symbols, symbolsOf(mine))
    val theirEdits = Edits(symbols, symbolsOf(theirs))
    val merged = StringBuilder()
    val cursor = CursorTracker(selection)
    for (at in 0..symbols.size) {
        val put = mineEdits.insertions[at].orEmpty()
        val theirPut = theirEdits.insertions[at].orEmpty()
        if (theirPut != put) merged.append(theirPut)
        cursor.pass(put.length, merged.length)
        merged.append(put)
        if (at == symbols.size) break
        val symbol = symbols[at]
        val kept = !mineEdits.removed[at] && !theirEdits.removed[at]
        if (!mineEdits.removed[at]) cursor.pass(symbol.length, merged.length, step = if (kept) 1 else 0)
        if (kept) merged.append(symbol)
    }
    return MergedText(merged.toString(), cursor.at(mine.length, merged.length))
}

/** Follows positions in one text to the positions of the same characters in another. */
private class Moved(from: String, private val target: String) {
    private val prefix = from.commonPrefixWith(target).length
    private val suffix = from.drop(prefix).commonSuffixWith(target.drop(prefix)).length
    private val tailFrom = from.length - suffix
    private val tailTo = target.length - suffix

    fun to(position: Int): Int = when {
        position <= prefix -> position
        position >= tailFrom -> position - tailFrom + tailTo
        else -> position.coerceAtMost(tailTo)
    }.coerceIn(0, target.length)
}

/** Finds where the ends of a selection come to lie while the text that they are in is written out anew. */
private class CursorTracker(private val selection: Selection) {
    private var passed = 0
    private var start: Int? = null
    private var end: Int? = null

    /** The next [length] characters of the old text begin at [position] of the new one; with a [step] of 0 they vanish there. */
    fun pass(length: Int, position: Int, step: Int = 1) {
        if (start == null && selection.start < passed + length) start = carried(selection.start, position, step)
        if (end == null && selection.end < passed + length) end = carried(selection.end, position, step)
        passed += length
    }

    /** What lies before the whole text stays where it is. */
    private fun carried(old: Int, new: Int, step: Int) = if (old < 0) old else new + (old - passed) * step

    /** The selection; what lies behind the old text lies as far behind the new one. */
    fun at(oldLength: Int, newLength: Int): Selection =
        Selection(start ?: (selection.start - oldLength + newLength), end ?: (selection.end - oldLength + newLength))
}

/** The steps from one text to another: which symbols go, and what is put in before which. */
private class Edits(base: List<String>, new: List<String>) {
    val removed = BooleanArray(base.size)
    val insertions = HashMap<Int, String>()

    init {
        val shorter = minOf(base.size, new.size)
        val prefix = (0 until shorter).takeWhile { base[it] == new[it] }.size
        val room = shorter - prefix
        val suffix = (0 until room).takeWhile { base[base.size - 1 - it] == new[new.size - 1 - it] }.size
        val from = base.subList(prefix, base.size - suffix)
        val to = new.subList(prefix, new.size - suffix)
        val common = commonPairs(from, to)
        var old = 0
        var now = 0
        for ((pairedOld, pairedNow) in common + (from.size to to.size)) {
            for (gone in old until pairedOld) removed[prefix + gone] = true
            if (pairedNow > now) insertions[prefix + old] = to.subList(now, pairedNow).joinToString("")
            old = pairedOld + 1
            now = pairedNow + 1
        }
    }
}

/** Beyond so many comparisons a changed stretch counts as rewritten: what it then has in common is chance. */
private const val MOST_COMPARISONS = 1_000_000L

/** A longest common subsequence, as pairs of positions. */
private fun commonPairs(from: List<String>, to: List<String>): List<Pair<Int, Int>> {
    if (from.isEmpty() || to.isEmpty() || from.size.toLong() * to.size > MOST_COMPARISONS) return emptyList()
    val lengths = Array(from.size + 1) { IntArray(to.size + 1) }
    for (old in from.indices.reversed()) {
        for (now in to.indices.reversed()) {
            lengths[old][now] = if (from[old] == to[now]) {
                lengths[old + 1][now + 1] + 1
            } else {
                maxOf(lengths[old + 1][now], lengths[old][now + 1])
            }
        }
    }
    val pairs = mutableListOf<Pair<Int, Int>>()
    var old = 0
    var now = 0
    while (old < from.size && now < to.size) {
        when {
            from[old] == to[now] -> pairs += old++ to now++
            lengths[old + 1][now] >= lengths[old][now + 1] -> old++
            else -> now++
        }
    }
    return pairs
}

private fun sharedPrefix(base: String, mine: String, theirs: String): Int {
    val length = minOf(base.commonPrefixWith(mine).length, base.commonPrefixWith(theirs).length)
    return if (length > 0 && base[length - 1].isHighSurrogate()) length - 1 else length
}

private fun sharedSuffix(prefix: Int, base: String, mine: String, theirs: String): Int {
    val room = minOf(base.length, mine.length, theirs.length) - prefix
    val length = minOf(base.commonSuffixWith(mine).length, base.commonSuffixWith(theirs).length, room)
    return if (length > 0 && base[base.length - length].isLowSurrogate()) length - 1 else length
}

/** The code points of a text, so that no merge tears an emoji apart. */
private fun symbolsOf(text: String): List<String> = buildList(text.length) {
    var at = 0
    while (at < text.length) {
        val pair = text[at].isHighSurrogate() && at + 1 < text.length && text[at + 1].isLowSurrogate()
        val next = at + if (pair) 2 else 1
        add(text.substring(at, next))
        at = next
    }
}
