package dev.altair.sample.desktop.look

import androidx.compose.runtime.Immutable
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.graphics.Color
import dev.altair.model.Kind

/** Every colour of the app, named for what it is for. */
@Immutable
data class Palette(
    val dark: Boolean,
    /** Behind what is read and written. */
    val paper: Color,
    /** Behind what lies on top of something else. */
    val raised: Color,
    /** Behind the navigation and the lists' frame. */
    val frame: Color,
    val line: Color,
    val hover: Color,
    val selected: Color,
    /** Behind the one of a few choices that was made. */
    val chosen: Color,
    val ink: Color,
    val quiet: Color,
    val faint: Color,
    val accent: Color,
    val onAccent: Color,
    val accentSoft: Color,
    /** Behind the words that a search matched. */
    val mark: Color,
    val trouble: Color,
    val troubleSoft: Color,
    val good: Color,
    val warn: Color,
    val scrim: Color,
    private val kinds: Map<Kind, Color>,
) {
    /** The colour that a kind is known by. */
    fun of(kind: Kind): Color = kinds[kind] ?: quiet

    companion object {
        val Light = Palette(
            dark = false,
            paper = Color(0xFFFCFBF8),
            raised = Color(0xFFFFFFFF),
            frame = Color(0xFFF4F1EA),
            line = Color(0xFFE5E0D5),
            hover = Color(0x0D2A2418),
            selected = Color(0xFFE3EBE6),
            chosen = Color(0xFFFFFFFF),
            ink = Color(0xFF1F2326),
            quiet = Color(0xFF5B6068),
            faint = Color(0xFF82868C),
            accent = Color(0xFF17645C),
            onAccent = Color(0xFFFFFFFF),
            accentSoft = Color(0xFFDDEBE6),
            mark = Color(0xFFFFE59A),
            trouble = Color(0xFFA5382A),
            troubleSoft = Color(0xFFFBEAE6),
            good = Color(0xFF2F7D4F),
            warn = Color(0xFFB0711A),
            scrim = Color(0x52201C12),
            kinds = mapOf(
                Kind.Capture to Color(0xFFB0711A),
                Kind.Note to Color(0xFF2F5F9E),
                Kind.Quest to Color(0xFF2F7D4F),
                Kind.Item to Color(0xFFA4532C),
                Kind.Location to Color(0xFF7B4C86),
            ),
        )

        val Dark = Palette(
            dark = true,
            paper = Color(0xFF171A1D),
            raised = Color(0xFF1F2327),
            frame = Color(0xFF121517),
            line = Color(0xFF2B3035),
            hover = Color(0x0FFFFFFF),
            selected = Color(0xFF20322F),
            chosen = Color(0xFF343A40),
            ink = Color(0xFFDEDCD6),
            quiet = Color(0xFFA6ABB1),
            faint = Color(0xFF7C828A),
            accent = Color(0xFF6BC3B4),
            onAccent = Color(0xFF06211D),
            accentSoft = Color(0xFF1C3633),
            mark = Color(0xFF66511A),
            trouble = Color(0xFFF0907E),
            troubleSoft = Color(0xFF38211D),
            good = Color(0xFF7CC795),
            warn = Color(0xFFE0AE62),
            scrim = Color(0x99000000),
            kinds = mapOf(
                Kind.Capture to Color(0xFFE0AE62),
                Kind.Note to Color(0xFF86B2EA),
                Kind.Quest to Color(0xFF7CC795),
                Kind.Item to Color(0xFFE59B75),
                Kind.Location to Color(0xFFC99AD6),
            ),
        )
    }
}

/** The palette in force. */
val LocalPalette = staticCompositionLocalOf { Palette.Light }
