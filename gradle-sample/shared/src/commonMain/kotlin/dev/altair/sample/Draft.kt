package dev.altair.sample

/**
 * A text that is being typed, over what is stored. Whatever others write meanwhile is merged under the typing, which is never lost.
 *
 * [revision] grows whenever the text changes by anything but typing. A text field shows a revision and says which one its typing
 * belongs to, so that a key pressed just before a merge came to the screen does no harm.
 */
data class Draft(
    /** What is stored, as far as is known here. */
    val base: String,
    /** What is on the screen. */
    val text: String = base,
    val selection: Selection = Selection(0),
    val revision: Int = 0,
    private val earlier: Map<Int, String> = emptyMap(),
) {
    val dirty: Boolean get() = text != base

    /** The text after somebody typed into the [shown] revision. */
    fun typed(shown: Int, typed: String, selection: Selection): Draft {
        if (shown == revision) return copy(text = typed, selection = selection)
        val merged = mergeTexts(earlier[shown] ?: base, typed, text, selection)
        return replaced(merged).let { it.copy(earlier = it.earlier + (shown to typed)) }
    }

    /** The text after something other than typing changed it here. */
    fun changed(text: String): Draft = replaced(mergeTexts(this.text, this.text, text, selection))

    /** The text over what has become of the stored one. */
    fun rebased(stored: String): Draft {
        if (stored == base) return this
        val merged = mergeTexts(base, text, stored, selection)
        return (if (merged.text == text) this else replaced(merged)).copy(base = stored)
    }

    /** The text after [sent] was written and read back as [stored]. */
    fun written(sent: String, stored: String): Draft = copy(base = sent).rebased(stored)

    private fun replaced(merged: MergedText): Draft = copy(
        text = merged.text,
        selection = merged.selection,
        revision = revision + 1,
        earlier = (earlier + (revision to text)).filterKeys { it > revision - REMEMBERED },
    )

    private companion object {
        const val REMEMBERED = 4
    }
}
