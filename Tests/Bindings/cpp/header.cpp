// Compiled alone, twice included, with all of its templates: for warnings.

#include <martlet.hpp>
#include <martlet.hpp>

template class martlet::result<int>;
template class martlet::listing<martlet::detail::returning>;
template class martlet::basic_engine_ref<martlet::detail::returning>;
template class martlet::basic_engine<martlet::detail::returning>;
template class martlet::outcome_range<martlet::nothrow::engine_ref>;
template class martlet::detail::policy<martlet::configuration>;
template class martlet::detail::policy<martlet::webhook>;
template class martlet::detail::builder<martlet::query>;
#if defined(__cpp_exceptions)
template class martlet::listing<martlet::detail::throwing>;
template class martlet::basic_engine_ref<martlet::detail::throwing>;
template class martlet::basic_engine<martlet::detail::throwing>;
template class martlet::outcome_range<martlet::engine_ref>;
#endif
