/// Reports of a training run, each a pure function of the files in its directory, so that all of
/// them can be made again at any time: pictures of the loss, a page with everything, the model
/// card. [EventFile][dev.yushan.report.EventFile] alone is written as the run goes.
/// [CorpusPage][dev.yushan.report.CorpusPage] is the page of a prepared corpus.
package dev.yushan.report;
