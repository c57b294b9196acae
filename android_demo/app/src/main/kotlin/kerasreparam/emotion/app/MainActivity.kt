package kerasreparam.emotion.app

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.content.pm.PackageManager
import android.content.res.ColorStateList
import android.net.Uri
import android.os.Bundle
import android.provider.Settings.ACTION_APPLICATION_DETAILS_SETTINGS
import android.text.format.Formatter
import android.view.View
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Button
import android.widget.CompoundButton
import android.widget.LinearLayout
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.Spinner
import android.widget.TextView
import java.text.NumberFormat
import kerasreparam.emotion.EmotionResult.State
import kerasreparam.emotion.ModelInfo
import kerasreparam.emotion.app.Session.Phase

/** The one screen: what is heard now, the last minute, and the models behind it. */
internal class MainActivity : Activity(), Session.Observer {
    lateinit var session: Session
        private set

    private var modelShown: ModelInfo? = null
    private var words: ScoreWords? = null
    private var names = emptyList<String>()
    private var colours = IntArray(0)

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        session = lastNonConfigurationInstance as Session?
            ?: Session(applicationContext, savedInstanceState?.getBundle(SESSION))
        setContentView(R.layout.main)
        view<View>(R.id.root).keepClearOfSystemBars()
        view<Button>(R.id.start_stop).setOnClickListener { startOrStop() }
        view<Button>(R.id.notice_settings).setOnClickListener { openSettings() }
        view<Button>(R.id.open_file).setOnClickListener { pickFile() }
        view<Button>(R.id.about).setOnClickListener {
            startActivity(Intent(this, AboutActivity::class.java))
        }
        view<CompoundButton>(R.id.smoothing).apply {
            isChecked = session.settings.smoothing
            setOnCheckedChangeListener { _, checked ->
                session.settings.smoothing = checked
                session.settingsChanged()
            }
        }
        session.observer = this
        onChange()
        onLevel()
    }

    override fun onRetainNonConfigurationInstance(): Any = session

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putBundle(SESSION, session.save())
    }

    override fun onPause() {
        super.onPause()
        // A rotation is no reason to stop; whatever else hides the app is one.
        if (!isChangingConfigurations) session.leave()
    }

    override fun onStop() {
        super.onStop()
        if (!isChangingConfigurations) session.leave()
    }

    override fun onDestroy() {
        super.onDestroy()
        session.observer = null
        if (!isChangingConfigurations) session.close()
    }

    override fun onRequestPermissionsResult(
        requestCode: Int, permissions: Array<String>, grantResults: IntArray,
    ) {
        // Without an answer, as after a rotation, the button is there to be pressed again.
        if (requestCode != ASK_MICROPHONE || grantResults.isEmpty()) return
        when {
            grantResults[0] == PackageManager.PERMISSION_GRANTED -> session.start()
            shouldShowRequestPermissionRationale(Manifest.permission.RECORD_AUDIO) ->
                session.show(Notice.PERMISSION_REFUSED)
            else -> session.show(Notice.PERMISSION_REFUSED_FOR_EVER)
        }
    }

    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        if (requestCode == PICK_FILE && resultCode == RESULT_OK) data?.data?.let { session.read(it) }
    }

    override fun onChange() {
        session.model?.let { if (it !== modelShown) showClasses(it) }
        showNow()
        showButton()
        showNotice()
        view<ClassBars>(R.id.bars).setScores(session.moment?.takeIf { it.state != State.SILENCE }?.scores)
        view<TimelineView>(R.id.timeline).show(session.timeline)
        showModels()
        showHops()
    }

    override fun onLevel() {
        view<BarView>(R.id.level).fraction = (session.level - QUIETEST) / -QUIETEST
    }

    private fun showClasses(model: ModelInfo) {
        val words = ScoreWords(this, model)
        modelShown = model
        this.words = words
        names = ClassNames.names(this, model.labels)
        colours = ClassNames.colours(this, model.labels)
        view<ClassBars>(R.id.bars).setClasses(names, colours, words)
        view<TimelineView>(R.id.timeline).setClasses(names, colours)
        view<View>(R.id.timeline_card).showIf(words.range == null)
        // TalkBack would read a value twice a second.
        if (words.range != null) {
            view<View>(R.id.emotion).accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_NONE
        }
    }

    private fun showNow() {
        val moment = session.moment
        view<TextView>(R.id.now_caption).show(caption(moment))
        view<TextView>(R.id.emotion).show(headline(moment))
        view<TextView>(R.id.now_detail).show(detail(moment))
        val colour = if (moment?.state == State.EMOTION) colours.getOrNull(moment.top) else null
        view<View>(R.id.now_colour).backgroundTintList =
            ColorStateList.valueOf(colour ?: getColor(R.color.track))
    }

    private fun caption(moment: Moment?): String = when {
        moment?.file != null -> getString(R.string.caption_file, moment.file)
        session.phase == Phase.LISTENING || moment == null -> getString(R.string.caption_now)
        else -> getString(R.string.caption_last)
    }

    private fun headline(moment: Moment?): String = when {
        session.phase == Phase.LOADING -> getString(R.string.loading)
        session.phase == Phase.READING -> getString(R.string.reading)
        session.phase == Phase.BROKEN -> getString(R.string.broken)
        moment == null && session.phase == Phase.LISTENING -> getString(R.string.listening)
        moment == null -> getString(R.string.ready)
        moment.state == State.SILENCE -> getString(R.string.silence)
        moment.state == State.UNSURE -> getString(R.string.unsure)
        moment.state == State.VALUES -> values(moment)
        else -> names.getOrElse(moment.top) { "" }
    }

    /** The one value, or each with its name. */
    private fun values(moment: Moment): String {
        val said = moment.scores.map { words?.of(it) ?: "" }
        return said.singleOrNull() ?: names.zip(said).joinToString("\n") { "${it.first} ${it.second}" }
    }

    private fun detail(moment: Moment?): String = when {
        session.skippedWindows > 0 ->
            resources.getQuantityString(R.plurals.skipped, session.skippedWindows, session.skippedWindows)
        session.phase == Phase.BROKEN || session.phase == Phase.READING -> ""
        moment == null -> session.model?.let {
            val seconds = NumberFormat.getInstance().format(it.windowSeconds)
            val hint = if (session.phase == Phase.LISTENING) R.string.hint_listening else R.string.hint_ready
            getString(hint, seconds)
        } ?: ""
        moment.state == State.SILENCE -> getString(R.string.detail_silence)
        moment.state == State.UNSURE -> getString(R.string.detail_unsure)
        moment.state == State.VALUES -> listOfNotNull(names.singleOrNull(), words?.range).joinToString()
        else -> words?.let { getString(R.string.detail_score, it.of(moment.scores[moment.top])) } ?: ""
    }

    private fun showButton() {
        val listening = session.phase == Phase.LISTENING
        view<Button>(R.id.start_stop).apply {
            show(getString(if (listening) R.string.stop else R.string.start))
            isEnabled = listening || session.phase == Phase.READY
            alpha = if (isEnabled) 1f else DISABLED_ALPHA
            backgroundTintList =
                ColorStateList.valueOf(getColor(if (listening) R.color.stop else R.color.accent))
        }
        view<Button>(R.id.open_file).isEnabled = listening || session.phase == Phase.READY
        // A screen that went off would end it.
        view<View>(R.id.root).keepScreenOn = listening
    }

    private fun showNotice() {
        val notice = session.notice
        view<View>(R.id.notice).showIf(notice != null)
        view<View>(R.id.notice_settings).showIf(notice?.offersSettings == true)
        view<TextView>(R.id.notice_text).show(notice?.let { getString(it.text) } ?: "")
    }

    private fun showModels() {
        val group = view<RadioGroup>(R.id.models)
        if (group.childCount != session.models.size) {
            group.removeAllViews()
            for (model in session.models) group.addView(modelButton(model))
        }
        for ((i, model) in session.models.withIndex()) {
            val button = group.getChildAt(i) as RadioButton
            button.show(describe(model))
            button.isChecked = model === session.chosen
        }
        val difference = difference(session.models)
        view<TextView>(R.id.models_difference).apply {
            showIf(difference != null)
            show(difference ?: "")
        }
    }

    private fun modelButton(model: BundledModel): RadioButton {
        val button = layoutInflater.inflate(R.layout.model, view<RadioGroup>(R.id.models), false)
        button.id = View.generateViewId()
        button.setOnClickListener { session.choose(model) }
        button.layoutParams =
            RadioGroup.LayoutParams(0, LinearLayout.LayoutParams.MATCH_PARENT, 1f).apply {
                marginStart = resources.getDimensionPixelSize(R.dimen.small)
                marginEnd = marginStart
            }
        return button as RadioButton
    }

    private fun describe(model: BundledModel): String {
        val size = Formatter.formatShortFileSize(this, model.sizeBytes.toLong())
        val latency = model.latency.value?.let { getString(R.string.model_latency, it) }
            ?: getString(R.string.model_latency_unknown)
        return getString(R.string.model, model.name, size, latency)
    }

    private fun difference(models: List<BundledModel>): String? {
        if (models.size != 2) return null
        val times = models[1].sizeBytes.toDouble() / models[0].sizeBytes
        return getString(R.string.models_difference, models[0].name, times)
    }

    private fun showHops() {
        val model = session.model ?: return
        val spinner = view<Spinner>(R.id.hop)
        if (spinner.adapter != null) return
        val hops = Settings.hops(model)
        val format = NumberFormat.getInstance()
        val words = hops.map { getString(R.string.hop_seconds, format.format(it.toDouble())) }
        spinner.adapter = ArrayAdapter(this, android.R.layout.simple_spinner_item, words)
            .apply { setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item) }
        spinner.setSelection(hops.indexOf(session.settings.hopSeconds))
        spinner.onItemSelectedListener = object : AdapterView.OnItemSelectedListener {
            override fun onItemSelected(parent: AdapterView<*>?, view: View?, position: Int, id: Long) {
                // Android calls this also for the selection made above.
                if (hops[position] == session.settings.hopSeconds) return
                session.settings.hopSeconds = hops[position]
                session.settingsChanged()
            }

            override fun onNothingSelected(parent: AdapterView<*>?) = Unit
        }
    }

    private fun startOrStop() {
        when {
            session.phase == Phase.LISTENING -> session.stop()
            mayRecord() -> session.start()
            else -> requestPermissions(arrayOf(Manifest.permission.RECORD_AUDIO), ASK_MICROPHONE)
        }
    }

    private fun mayRecord() =
        checkSelfPermission(Manifest.permission.RECORD_AUDIO) == PackageManager.PERMISSION_GRANTED

    private fun openSettings() {
        startActivity(
            Intent(ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)),
        )
    }

    private fun pickFile() {
        val pick = Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            // There are several names for WAV, and not every provider knows the same ones.
            .setType("audio/*")
        try {
            startActivityForResult(pick, PICK_FILE)
        } catch (_: ActivityNotFoundException) {
            session.show(Notice.NO_FILE_PICKER)
        }
    }

    companion object {
        const val ASK_MICROPHONE = 1
        const val PICK_FILE = 2
        private const val SESSION = "session"
        private const val QUIETEST = -60f
        private const val DISABLED_ALPHA = 0.5f
    }
}
