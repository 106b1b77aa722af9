// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Delegates and Lambda Functions: the table of declaration macros (5.7)
#pragma once

#define DECLARE_DELEGATE(Name) using Name = TDelegate<void()>
#define DECLARE_DELEGATE_RetVal(Ret, Name) using Name = TDelegate<Ret()>
#define DECLARE_MULTICAST_DELEGATE(Name) using Name = TMulticastDelegate<void()>
#define DECLARE_TS_MULTICAST_DELEGATE(Name) using Name = TMulticastDelegate<void()>
#define DECLARE_EVENT(Owner, Name) class Name : public TMulticastDelegate<void()> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE(Name) class Name : public TDynamicMulticastDelegateShim<> {}
#define DECLARE_DYNAMIC_DELEGATE(Name) class Name : public TDynamicDelegateShim<void> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal(Ret, Name) class Name : public TDynamicDelegateShim<Ret> {}
#define DECLARE_DELEGATE_OneParam(Name, T1) using Name = TDelegate<void(T1)>
#define DECLARE_DELEGATE_RetVal_OneParam(Ret, Name, T1) using Name = TDelegate<Ret(T1)>
#define DECLARE_MULTICAST_DELEGATE_OneParam(Name, T1) using Name = TMulticastDelegate<void(T1)>
#define DECLARE_TS_MULTICAST_DELEGATE_OneParam(Name, T1) using Name = TMulticastDelegate<void(T1)>
#define DECLARE_EVENT_OneParam(Owner, Name, T1) class Name : public TMulticastDelegate<void(T1)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(Name, T1, N1) class Name : public TDynamicMulticastDelegateShim<T1> {}
#define DECLARE_DYNAMIC_DELEGATE_OneParam(Name, T1, N1) class Name : public TDynamicDelegateShim<void, T1> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_OneParam(Ret, Name, T1, N1) class Name : public TDynamicDelegateShim<Ret, T1> {}
#define DECLARE_DELEGATE_TwoParams(Name, T1, T2) using Name = TDelegate<void(T1, T2)>
#define DECLARE_DELEGATE_RetVal_TwoParams(Ret, Name, T1, T2) using Name = TDelegate<Ret(T1, T2)>
#define DECLARE_MULTICAST_DELEGATE_TwoParams(Name, T1, T2) using Name = TMulticastDelegate<void(T1, T2)>
#define DECLARE_TS_MULTICAST_DELEGATE_TwoParams(Name, T1, T2) using Name = TMulticastDelegate<void(T1, T2)>
#define DECLARE_EVENT_TwoParams(Owner, Name, T1, T2) class Name : public TMulticastDelegate<void(T1, T2)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(Name, T1, N1, T2, N2) class Name : public TDynamicMulticastDelegateShim<T1, T2> {}
#define DECLARE_DYNAMIC_DELEGATE_TwoParams(Name, T1, N1, T2, N2) class Name : public TDynamicDelegateShim<void, T1, T2> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_TwoParams(Ret, Name, T1, N1, T2, N2) class Name : public TDynamicDelegateShim<Ret, T1, T2> {}
#define DECLARE_DELEGATE_ThreeParams(Name, T1, T2, T3) using Name = TDelegate<void(T1, T2, T3)>
#define DECLARE_DELEGATE_RetVal_ThreeParams(Ret, Name, T1, T2, T3) using Name = TDelegate<Ret(T1, T2, T3)>
#define DECLARE_MULTICAST_DELEGATE_ThreeParams(Name, T1, T2, T3) using Name = TMulticastDelegate<void(T1, T2, T3)>
#define DECLARE_TS_MULTICAST_DELEGATE_ThreeParams(Name, T1, T2, T3) using Name = TMulticastDelegate<void(T1, T2, T3)>
#define DECLARE_EVENT_ThreeParams(Owner, Name, T1, T2, T3) class Name : public TMulticastDelegate<void(T1, T2, T3)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_ThreeParams(Name, T1, N1, T2, N2, T3, N3) class Name : public TDynamicMulticastDelegateShim<T1, T2, T3> {}
#define DECLARE_DYNAMIC_DELEGATE_ThreeParams(Name, T1, N1, T2, N2, T3, N3) class Name : public TDynamicDelegateShim<void, T1, T2, T3> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_ThreeParams(Ret, Name, T1, N1, T2, N2, T3, N3) class Name : public TDynamicDelegateShim<Ret, T1, T2, T3> {}
#define DECLARE_DELEGATE_FourParams(Name, T1, T2, T3, T4) using Name = TDelegate<void(T1, T2, T3, T4)>
#define DECLARE_DELEGATE_RetVal_FourParams(Ret, Name, T1, T2, T3, T4) using Name = TDelegate<Ret(T1, T2, T3, T4)>
#define DECLARE_MULTICAST_DELEGATE_FourParams(Name, T1, T2, T3, T4) using Name = TMulticastDelegate<void(T1, T2, T3, T4)>
#define DECLARE_TS_MULTICAST_DELEGATE_FourParams(Name, T1, T2, T3, T4) using Name = TMulticastDelegate<void(T1, T2, T3, T4)>
#define DECLARE_EVENT_FourParams(Owner, Name, T1, T2, T3, T4) class Name : public TMulticastDelegate<void(T1, T2, T3, T4)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_FourParams(Name, T1, N1, T2, N2, T3, N3, T4, N4) class Name : public TDynamicMulticastDelegateShim<T1, T2, T3, T4> {}
#define DECLARE_DYNAMIC_DELEGATE_FourParams(Name, T1, N1, T2, N2, T3, N3, T4, N4) class Name : public TDynamicDelegateShim<void, T1, T2, T3, T4> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_FourParams(Ret, Name, T1, N1, T2, N2, T3, N3, T4, N4) class Name : public TDynamicDelegateShim<Ret, T1, T2, T3, T4> {}
#define DECLARE_DELEGATE_FiveParams(Name, T1, T2, T3, T4, T5) using Name = TDelegate<void(T1, T2, T3, T4, T5)>
#define DECLARE_DELEGATE_RetVal_FiveParams(Ret, Name, T1, T2, T3, T4, T5) using Name = TDelegate<Ret(T1, T2, T3, T4, T5)>
#define DECLARE_MULTICAST_DELEGATE_FiveParams(Name, T1, T2, T3, T4, T5) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5)>
#define DECLARE_TS_MULTICAST_DELEGATE_FiveParams(Name, T1, T2, T3, T4, T5) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5)>
#define DECLARE_EVENT_FiveParams(Owner, Name, T1, T2, T3, T4, T5) class Name : public TMulticastDelegate<void(T1, T2, T3, T4, T5)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_FiveParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5) class Name : public TDynamicMulticastDelegateShim<T1, T2, T3, T4, T5> {}
#define DECLARE_DYNAMIC_DELEGATE_FiveParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5) class Name : public TDynamicDelegateShim<void, T1, T2, T3, T4, T5> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_FiveParams(Ret, Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5) class Name : public TDynamicDelegateShim<Ret, T1, T2, T3, T4, T5> {}
#define DECLARE_DELEGATE_SixParams(Name, T1, T2, T3, T4, T5, T6) using Name = TDelegate<void(T1, T2, T3, T4, T5, T6)>
#define DECLARE_DELEGATE_RetVal_SixParams(Ret, Name, T1, T2, T3, T4, T5, T6) using Name = TDelegate<Ret(T1, T2, T3, T4, T5, T6)>
#define DECLARE_MULTICAST_DELEGATE_SixParams(Name, T1, T2, T3, T4, T5, T6) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6)>
#define DECLARE_TS_MULTICAST_DELEGATE_SixParams(Name, T1, T2, T3, T4, T5, T6) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6)>
#define DECLARE_EVENT_SixParams(Owner, Name, T1, T2, T3, T4, T5, T6) class Name : public TMulticastDelegate<void(T1, T2, T3, T4, T5, T6)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_SixParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6) class Name : public TDynamicMulticastDelegateShim<T1, T2, T3, T4, T5, T6> {}
#define DECLARE_DYNAMIC_DELEGATE_SixParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6) class Name : public TDynamicDelegateShim<void, T1, T2, T3, T4, T5, T6> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_SixParams(Ret, Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6) class Name : public TDynamicDelegateShim<Ret, T1, T2, T3, T4, T5, T6> {}
#define DECLARE_DELEGATE_SevenParams(Name, T1, T2, T3, T4, T5, T6, T7) using Name = TDelegate<void(T1, T2, T3, T4, T5, T6, T7)>
#define DECLARE_DELEGATE_RetVal_SevenParams(Ret, Name, T1, T2, T3, T4, T5, T6, T7) using Name = TDelegate<Ret(T1, T2, T3, T4, T5, T6, T7)>
#define DECLARE_MULTICAST_DELEGATE_SevenParams(Name, T1, T2, T3, T4, T5, T6, T7) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7)>
#define DECLARE_TS_MULTICAST_DELEGATE_SevenParams(Name, T1, T2, T3, T4, T5, T6, T7) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7)>
#define DECLARE_EVENT_SevenParams(Owner, Name, T1, T2, T3, T4, T5, T6, T7) class Name : public TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_SevenParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7) class Name : public TDynamicMulticastDelegateShim<T1, T2, T3, T4, T5, T6, T7> {}
#define DECLARE_DYNAMIC_DELEGATE_SevenParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7) class Name : public TDynamicDelegateShim<void, T1, T2, T3, T4, T5, T6, T7> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_SevenParams(Ret, Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7) class Name : public TDynamicDelegateShim<Ret, T1, T2, T3, T4, T5, T6, T7> {}
#define DECLARE_DELEGATE_EightParams(Name, T1, T2, T3, T4, T5, T6, T7, T8) using Name = TDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8)>
#define DECLARE_DELEGATE_RetVal_EightParams(Ret, Name, T1, T2, T3, T4, T5, T6, T7, T8) using Name = TDelegate<Ret(T1, T2, T3, T4, T5, T6, T7, T8)>
#define DECLARE_MULTICAST_DELEGATE_EightParams(Name, T1, T2, T3, T4, T5, T6, T7, T8) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8)>
#define DECLARE_TS_MULTICAST_DELEGATE_EightParams(Name, T1, T2, T3, T4, T5, T6, T7, T8) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8)>
#define DECLARE_EVENT_EightParams(Owner, Name, T1, T2, T3, T4, T5, T6, T7, T8) class Name : public TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_EightParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7, T8, N8) class Name : public TDynamicMulticastDelegateShim<T1, T2, T3, T4, T5, T6, T7, T8> {}
#define DECLARE_DYNAMIC_DELEGATE_EightParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7, T8, N8) class Name : public TDynamicDelegateShim<void, T1, T2, T3, T4, T5, T6, T7, T8> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_EightParams(Ret, Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7, T8, N8) class Name : public TDynamicDelegateShim<Ret, T1, T2, T3, T4, T5, T6, T7, T8> {}
#define DECLARE_DELEGATE_NineParams(Name, T1, T2, T3, T4, T5, T6, T7, T8, T9) using Name = TDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8, T9)>
#define DECLARE_DELEGATE_RetVal_NineParams(Ret, Name, T1, T2, T3, T4, T5, T6, T7, T8, T9) using Name = TDelegate<Ret(T1, T2, T3, T4, T5, T6, T7, T8, T9)>
#define DECLARE_MULTICAST_DELEGATE_NineParams(Name, T1, T2, T3, T4, T5, T6, T7, T8, T9) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8, T9)>
#define DECLARE_TS_MULTICAST_DELEGATE_NineParams(Name, T1, T2, T3, T4, T5, T6, T7, T8, T9) using Name = TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8, T9)>
#define DECLARE_EVENT_NineParams(Owner, Name, T1, T2, T3, T4, T5, T6, T7, T8, T9) class Name : public TMulticastDelegate<void(T1, T2, T3, T4, T5, T6, T7, T8, T9)> { friend class Owner; }
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_NineParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7, T8, N8, T9, N9) class Name : public TDynamicMulticastDelegateShim<T1, T2, T3, T4, T5, T6, T7, T8, T9> {}
#define DECLARE_DYNAMIC_DELEGATE_NineParams(Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7, T8, N8, T9, N9) class Name : public TDynamicDelegateShim<void, T1, T2, T3, T4, T5, T6, T7, T8, T9> {}
#define DECLARE_DYNAMIC_DELEGATE_RetVal_NineParams(Ret, Name, T1, N1, T2, N2, T3, N3, T4, N4, T5, N5, T6, N6, T7, N7, T8, N8, T9, N9) class Name : public TDynamicDelegateShim<Ret, T1, T2, T3, T4, T5, T6, T7, T8, T9> {}
